"""Names by culture, most common first. A name in another script is `romanised=native`."""

from dataclasses import dataclass

import numpy as np

CULTURES = ("english", "german", "spanish", "chinese", "japanese", "russian", "greek", "arabic")
BY_COUNTRY = {  # how common each culture is, in the order of CULTURES
    "US": (60, 6, 18, 5, 1, 3, 2, 5),
    "GB": (80, 2, 2, 4, 1, 3, 2, 6),
    "DE": (3, 76, 2, 2, 1, 8, 3, 5),
    "JP": (3, 1, 0, 4, 92, 0, 0, 0),
}
SWAPPED = ("chinese", "japanese")  # the family name comes first


@dataclass(frozen=True)
class Names:
    female: tuple[str, ...]
    male: tuple[str, ...]
    family: tuple[str, ...]


def listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NAMES = {
    "english": Names(
        listed(
            "Mary Elizabeth Jennifer Sarah Emma Olivia Patricia Linda Susan Margaret Jessica Karen Nancy Lisa "
            "Betty Helen Sandra Ashley Kimberly Emily Donna Michelle Carol Amanda Melissa Deborah Stephanie "
            "Rebecca Laura Sharon Cynthia Kathleen Amy Angela Shirley Anna Ruth Brenda Pamela Nicole Katherine "
            "Samantha Christine Catherine Virginia Rachel Janet Hannah Grace Charlotte Sophie Lucy Alice Isabella "
            "Victoria Abigail Julia Megan Chloe"
        ),
        listed(
            "James Robert John Michael William David Richard Joseph Thomas Charles Christopher Daniel Matthew "
            "Anthony Mark Donald Steven Paul Andrew Joshua Kenneth Kevin Brian George Edward Ronald Timothy Jason "
            "Jeffrey Ryan Jacob Gary Nicholas Eric Jonathan Stephen Larry Justin Scott Brandon Benjamin Samuel "
            "Gregory Frank Alexander Patrick Raymond Jack Dennis Jerry Tyler Aaron Henry Oliver Harry Peter Simon "
            "Ethan Noah Liam Luke Adam"
        ),
        listed(
            "Smith Johnson Williams Brown Jones Miller Davis Wilson Taylor Anderson Thomas Moore Martin Jackson "
            "Thompson White Harris Clark Lewis Robinson Walker Young Allen King Wright Scott Hill Green Adams "
            "Baker Nelson Hall Campbell Mitchell Carter Roberts Phillips Evans Turner Parker Collins Edwards "
            "Stewart Morris Murphy Cook Rogers Morgan Cooper Peterson Reed Bailey Bell Kelly Howard Ward Cox "
            "Richardson Wood Watson Brooks Bennett Gray Hughes Price Myers Long Foster Sanders Ross Powell "
            "Sullivan Russell Fisher Henderson Cole West Jordan Reynolds Hamilton Graham Wallace Woods Owens "
            "Ellis Marshall Harrison Gibson McDonald O'Brien O'Connor Patel Singh Smith-Jones Fletcher Holloway "
            "Pemberton Ashworth Whitaker Langley Sinclair Mercer Hawthorne"
        ),
    ),
    "german": Names(
        listed(
            "Anna Maria Ursula Monika Petra Sabine Julia Katharina Sophie Lena Laura Christine Andrea Claudia "
            "Susanne Birgit Stefanie Nicole Martina Heike Angelika Gabriele Karin Renate Helga Bärbel Lea Hannah "
            "Mia Emma Käthe Jana"
        ),
        listed(
            "Peter Michael Thomas Andreas Wolfgang Klaus Jürgen Günter Stefan Christian Uwe Werner Horst Frank "
            "Dieter Manfred Hans Bernd Martin Matthias Jörg Alexander Maximilian Lukas Paul Leon Felix Jonas "
            "Tobias Sebastian Jan Björn"
        ),
        listed(
            "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer "
            "Richter Klein Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Schmitt "
            "Werner Krause Meier Lehmann Köhler Maier Huber Kaiser Fuchs Peters Lang Scholz Möller Weiß Jung Hahn "
            "Schubert Vogel Groß Böhm Voß Maurer"
        ),
    ),
    "spanish": Names(
        listed(
            "María Carmen Ana Isabel Laura Cristina Marta Lucía Elena Sofía Rosa Teresa Paula Beatriz Gabriela "
            "Valentina Camila Guadalupe Daniela Alejandra Mónica Verónica Inés Raquel"
        ),
        listed(
            "José Antonio Juan Manuel Francisco Luis Javier Carlos Miguel Alejandro Pedro Jorge Diego Fernando "
            "Sergio Pablo Rafael Andrés Ángel Ramón Raúl Mateo Santiago Jesús"
        ),
        listed(
            "García Rodríguez González Hernández López Martínez Pérez Sánchez Ramírez Torres Flores Rivera Gómez "
            "Díaz Reyes Morales Cruz Ortiz Gutiérrez Chávez Ramos Ruiz Álvarez Mendoza Vásquez Castillo Jiménez "
            "Moreno Romero Núñez"
        ),
    ),
    "chinese": Names(
        listed(
            "Fang=芳 Na=娜 Min=敏 Jing=静 Li=丽 Yan=艳 Juan=娟 Xia=霞 Xiuying=秀英 Hua=华 Ling=玲 Yun=云 Mei=梅 "
            "Qing=青 Xue=雪 Yue=月 Ting=婷 Hong=红"
        ),
        listed(
            "Wei=伟 Qiang=强 Lei=磊 Jun=军 Yong=勇 Jie=杰 Tao=涛 Ming=明 Chao=超 Gang=刚 Ping=平 Hui=辉 Peng=鹏 "
            "Bo=波 Hao=浩 Yang=洋 Feng=峰 Long=龙"
        ),
        listed(
            "Wang=王 Li=李 Zhang=张 Liu=刘 Chen=陈 Yang=杨 Huang=黄 Zhao=赵 Wu=吴 Zhou=周 Xu=徐 Sun=孙 Ma=马 "
            "Zhu=朱 Hu=胡 Guo=郭 He=何 Lin=林 Gao=高 Luo=罗"
        ),
    ),
    "japanese": Names(
        listed(
            "Yoko=洋子 Keiko=恵子 Sachiko=幸子 Kazuko=和子 Yumi=由美 Akiko=明子 Naomi=直美 Yuko=裕子 "
            "Mayumi=真由美 Emi=恵美 Haruka=遥 Misaki=美咲 Sakura=桜 Aoi=葵 Hina=陽菜 Rin=凛 Mei=芽依 Yui=結衣"
        ),
        listed(
            "Hiroshi=浩 Takashi=隆 Kenji=健二 Makoto=誠 Akira=明 Satoshi=聡 Kazuo=和夫 Shigeru=茂 Osamu=修 "
            "Daisuke=大輔 Takumi=匠 Kenta=健太 Shota=翔太 Haruto=陽翔 Ren=蓮 Yuto=悠斗 Sota=颯太 Yamato=大和"
        ),
        listed(
            "Sato=佐藤 Suzuki=鈴木 Takahashi=高橋 Tanaka=田中 Ito=伊藤 Watanabe=渡辺 Yamamoto=山本 Nakamura=中村 "
            "Kobayashi=小林 Kato=加藤 Yoshida=吉田 Yamada=山田 Sasaki=佐々木 Yamaguchi=山口 Matsumoto=松本 "
            "Inoue=井上 Kimura=木村 Hayashi=林 Shimizu=清水 Saito=斎藤 Mori=森 Ikeda=池田"
        ),
    ),
    "russian": Names(
        listed(
            "Elena=Елена Olga=Ольга Natalia=Наталья Tatiana=Татьяна Irina=Ирина Svetlana=Светлана Anna=Анна "
            "Maria=Мария Ekaterina=Екатерина Yulia=Юлия Galina=Галина Lyudmila=Людмила Daria=Дарья Ksenia=Ксения"
        ),
        listed(
            "Alexander=Александр Sergei=Сергей Dmitry=Дмитрий Andrei=Андрей Alexei=Алексей Vladimir=Владимир "
            "Ivan=Иван Mikhail=Михаил Nikolai=Николай Yuri=Юрий Pavel=Павел Oleg=Олег Igor=Игорь Viktor=Виктор"
        ),
        listed(
            "Ivanov=Иванов Smirnov=Смирнов Kuznetsov=Кузнецов Popov=Попов Vasiliev=Васильев Petrov=Петров "
            "Sokolov=Соколов Mikhailov=Михайлов Novikov=Новиков Fedorov=Фёдоров Morozov=Морозов Volkov=Волков "
            "Lebedev=Лебедев Zaitsev=Зайцев"
        ),
    ),
    "greek": Names(
        listed(
            "Maria=Μαρία Eleni=Ελένη Katerina=Κατερίνα Vasiliki=Βασιλική Sofia=Σοφία Georgia=Γεωργία "
            "Dimitra=Δήμητρα Ioanna=Ιωάννα Anna=Άννα Christina=Χριστίνα"
        ),
        listed(
            "Georgios=Γεώργιος Dimitris=Δημήτρης Konstantinos=Κωνσταντίνος Ioannis=Ιωάννης Nikos=Νίκος "
            "Christos=Χρήστος Panagiotis=Παναγιώτης Vasilis=Βασίλης Spyros=Σπύρος Michalis=Μιχάλης"
        ),
        listed(
            "Papadopoulos=Παπαδόπουλος Vlachos=Βλάχος Angelopoulos=Αγγελόπουλος Nikolaidis=Νικολαΐδης "
            "Georgiou=Γεωργίου Petridis=Πετρίδης Athanasiou=Αθανασίου Dimitriadis=Δημητριάδης Makris=Μακρής "
            "Ioannou=Ιωάννου"
        ),
    ),
    "arabic": Names(
        listed(
            "Fatima=فاطمة Aisha=عائشة Maryam=مريم Layla=ليلى Nour=نور Zainab=زينب Huda=هدى Salma=سلمى Amina=أمينة "
            "Hana=هناء"
        ),
        listed(
            "Mohammed=محمد Ahmed=أحمد Ali=علي Omar=عمر Hassan=حسن Hussein=حسين Khaled=خالد Youssef=يوسف "
            "Ibrahim=إبراهيم Mustafa=مصطفى"
        ),
        listed(
            "Al-Masri=المصري Haddad=حداد Khalil=خليل Mansour=منصور Saleh=صالح Najjar=نجار Abbas=عباس Hamdan=حمدان "
            "Qasim=قاسم Farouk=فاروق Aziz=عزيز Rahman=رحمن"
        ),
    ),
}

NICKNAMES = {
    given: nickname
    for given, _, nickname in (
        pair.partition("=")
        for pair in listed(
            "Elizabeth=Liz Jennifer=Jen Patricia=Pat Margaret=Peggy Jessica=Jess Susan=Sue Kimberly=Kim "
            "Stephanie=Steph Deborah=Debbie Rebecca=Becky Cynthia=Cindy Kathleen=Kathy Pamela=Pam Katherine=Kate "
            "Samantha=Sam Christine=Chris Catherine=Cathy Virginia=Ginny Victoria=Vicky Abigail=Abby James=Jim "
            "Robert=Bob John=Jack Michael=Mike William=Bill David=Dave Richard=Dick Joseph=Joe Thomas=Tom "
            "Charles=Chuck Christopher=Chris Daniel=Dan Matthew=Matt Anthony=Tony Donald=Don Steven=Steve "
            "Andrew=Andy Joshua=Josh Kenneth=Ken Edward=Ted Ronald=Ron Timothy=Tim Jeffrey=Jeff Nicholas=Nick "
            "Jonathan=Jon Stephen=Steve Benjamin=Ben Samuel=Sam Gregory=Greg Alexander=Alex Patrick=Pat "
            "Raymond=Ray Katharina=Kathi Stefanie=Steffi Maximilian=Max Sebastian=Basti Tobias=Tobi "
            "Francisco=Paco José=Pepe Guadalupe=Lupe Dmitry=Dima Ekaterina=Katya Konstantinos=Kostas Mohammed=Mo "
            "Mikhail=Misha Olga=Olya Natalia=Natasha"
        )
    )
}
ASCII = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}
    | dict(zip("áéíóúñÁÉÍÓÚ", "aeiounAEIOU", strict=True))
)


def romanised(name: str) -> str:
    return name.partition("=")[0]


def native(name: str) -> str:
    """The name in its own script; nothing where that is the Latin one."""
    return name.partition("=")[2]


LONGEST = {part: max(len(getattr(names, part)) for names in NAMES.values()) for part in ("female", "male", "family")}
SIZES = {part: np.array([len(getattr(NAMES[culture], part)) for culture in CULTURES]) for part in LONGEST}
