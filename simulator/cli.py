"""`simulate`: raw files for a lakehouse to take in."""

import sys
import time
from collections import Counter, defaultdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from simulator import complete_journey
from simulator.warts import RawFile
from simulator.world import marginals, policies, rows, run
from simulator.world.config import Config

app = typer.Typer(add_completion=False, no_args_is_help=True)

Landing = Annotated[Path, typer.Option(envvar="ORRERY_LANDING", help="The folder where raw files arrive.")]
Until = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only what had arrived by the end of this day.")
]
Households = Annotated[int | None, typer.Option(min=1, help="Only the first N households by id.")]
Promotions = Annotated[bool, typer.Option(help="Whether to write the promotions, which are 20.9 million rows.")]
PromotionWeeks = Annotated[int | None, typer.Option(min=0, max=53, help="Only the first N weeks of promotions.")]
People = Annotated[int, typer.Option(min=1, help="How many people there are.")]
Begins = Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The Monday on which the world begins.")]
LastDay = Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="The last day that is lived through.")]
Seed = Annotated[int, typer.Option(help="Another seed is another world.")]
Processes = Annotated[int, typer.Option(min=1, help="How many processes share the work; the files are the same.")]
Actions = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        help="Parquet of what the platform decided: on (a day to come), channel, offer, and about whom: source and"
        " record_id (a record as a source has it), or person_id.",
    ),
]
Foresee = Annotated[int, typer.Option(min=0, help="How many weeks of the future the truth tells.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing.")]


@app.callback()
def simulate() -> None:
    """Write raw files as a business would deliver them, warts and all."""


@app.command("complete-journey")
def write_complete_journey(
    landing: Landing = Path(".lakehouse/landing"),
    until: Until = None,
    households: Households = None,
    promotions: Promotions = True,
    promotion_weeks: PromotionWeeks = None,
    quiet: Quiet = False,
) -> None:
    """A year of a real grocer: 2,469 households, 1.47 million sales lines, coupons, campaigns and promotions."""
    seconds: dict[str, float] = defaultdict(float)

    def add_seconds(file: RawFile, taken: float) -> None:
        seconds[file.feed] += taken

    try:
        manifest = complete_journey.write(
            landing,
            until=until.date() if until else None,
            households=households,
            promotion_weeks=promotion_weeks if promotions else 0,
            on_file=add_seconds,
        )
    except (ValueError, ModuleNotFoundError) as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from error
    if quiet:
        return
    typer.echo(f"{'feed':<20} {'files':>6} {'rows':>12} {'broken':>6} {'bytes':>13} {'seconds':>8}")
    for feed, total in manifest.totals.items():
        counts = f"{total['files']:>6,} {total['rows']:>12,} {total['broken']:>6,} {total['bytes']:>13,}"
        typer.echo(f"{feed:<20} {counts} {seconds[feed]:>8.1f}")


@app.command("world")
def write_world(
    landing: Landing = Path(".lakehouse/landing"),
    people: People = 2_000,
    begins: Begins = datetime(2024, 1, 1),
    until: LastDay = datetime(2025, 12, 31),
    seed: Seed = 1,
    actions: Actions = None,
    processes: Processes = 1,
    foresee_weeks: Foresee = 52,
    quiet: Quiet = False,
) -> None:
    """A retailer with known truth: its systems' files, and the truth beside them. A later day goes on from there."""
    began = time.perf_counter()
    try:
        config = Config(people=people, seed=seed, begins_on=begins.date())
        counts = run.simulate(
            landing, config, until.date(), actions=actions, processes=processes, foresee_weeks=foresee_weeks
        )
    except ValueError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from error
    if not quiet:
        print_counts(counts, began)


@app.command("profit")
def compare_profit(
    landings: Annotated[list[Path], typer.Argument(help="The landing folders of copies of one world.")],
    since: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first Monday that counts.")],
) -> None:
    """What policies earned that acted on copies of one world, and what each earned beyond the first."""
    try:
        found = policies.compare(landings, since.date())
    except ValueError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from error
    typer.echo(f"{found[0].weeks} weeks of {found[0].people:,} people")
    width = max(len(str(each.landing)) for each in found)
    typer.echo(
        f"{'':<{width}} {'actions':>9} {'orders':>9} {'spent':>14} {'profit':>14} {'more':>12} {'give or take':>12}"
    )
    for each in found:
        cents = (each.spent, each.profit, each.more, each.give_or_take)
        spent, profit, more, off = (f"{amount / 100:,.2f}" for amount in cents)
        counts = f"{each.actions:>9,} {each.orders:>9,}"
        typer.echo(f"{each.landing!s:<{width}} {counts} {spent:>14} {profit:>14} {more:>12} {off:>12}")


@app.command("rows")
def write_rows(
    folder: Annotated[Path, typer.Argument(help="Where orders/ and identities/ are written.")],
    people: People = 1_000_000,
    begins: Begins = datetime(2024, 1, 1),
    until: LastDay = datetime(2025, 12, 31),
    seed: Seed = 1,
    processes: Processes = 1,
    quiet: Quiet = False,
) -> None:
    """Orders and identities of millions of people, straight to Parquet: for measuring at scale."""
    began = time.perf_counter()
    counts: Counter[str] = Counter()
    try:
        config = Config(people=people, seed=seed, begins_on=begins.date())
        for part in rows.write_rows(folder, config, until.date(), processes=processes):
            counts.update(identities=part.people, orders=part.orders)
    except ValueError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from error
    if not quiet:
        print_counts(counts, began)


@app.command("marginals")
def draw_marginals(
    picture: Annotated[Path, typer.Argument(help="Where the picture is written, as PNG or SVG.")],
    people: Annotated[int, typer.Option(min=500, help="Of how many people.")] = 20_000,
    seed: Seed = 1,
) -> None:
    """The world's purchase gaps, basket sizes and repeat purchases beside those of two real retailers."""
    curves, orders = marginals.compare(people, seed)
    marginals.plot(picture, curves, orders)
    for curve in curves:
        typer.echo(f"{curve.name:<50} at most {curve.distance:.3f} from {curve.real_name}")
    typer.echo(f"{'purchases in 78 weeks':<50} {orders:.2f}, CDNOW {marginals.CDNOW_ORDERS_IN_78_WEEKS:.2f}")


def print_counts(counts: Counter[str], began: float) -> None:
    seconds = time.perf_counter() - began
    for name, count in counts.items():
        typer.echo(f"{name:<20} {count:>12,}")
    typer.echo(f"{sum(counts.values()):,} rows in {seconds:.1f} s")


def main() -> None:
    """`simulate --until DATE` is `simulate world --until DATE`."""
    given = sys.argv[1:]
    is_world = given[:1] != ["--help"] and bool(given) and given[0].startswith("-")
    app(["world", *given] if is_world else given)


if __name__ == "__main__":
    main()
