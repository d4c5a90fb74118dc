"""The Databricks bundle, as `databricks bundle validate` would look at it, and more: its tasks fit the command line."""

import copy
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from databricks.bundles.jobs import Job

from jobs.cli import app
from lakehouse.settings import Settings

ROOT = Path(__file__).parent.parent
TARGETS = ("dev", "staging", "prod")
LAYERS = ("bronze", "silver", "gold", "ml")

# The sections of a bundle, for which databricks-bundles has no types: a dictionary's keys (`*` is any), or a value.
BUNDLE = {
    "bundle": {"name": True},
    "include": True,
    "variables": {"*": {"description": True, "default": True, "lookup": {"warehouse": True}}},
    "artifacts": {"*": {"type": True, "path": True, "build": True}},
    "targets": {"*": {"default": True, "mode": True, "workspace": {"root_path": True}, "variables": {"*": True}}},
    "resources": {"jobs": {"*": True}},
}
REQUIRED = {"bundle", "include", "variables", "artifacts", "targets", "resources"}

UsageError: Any = typer.BadParameter.__base__  # typer brings its own click

# What a reference in double braces stands for when the job runs.
AT_RUN_TIME = {"job.trigger.time.iso_date": "2024-06-30", "job.trigger.time.iso_weekday": "7"}


# The bundle as the Databricks CLI sees it


def loaded() -> dict[str, Any]:
    """databricks.yml with all that it includes."""
    bundle = yaml.safe_load((ROOT / "databricks.yml").read_text())
    for pattern in bundle["include"]:
        for path in sorted(ROOT.glob(pattern)):
            part = yaml.safe_load(path.read_text())
            assert set(part) == {"resources"} and set(part["resources"]) == {"jobs"}, path
            jobs = bundle.setdefault("resources", {"jobs": {}})["jobs"]
            assert not set(jobs) & set(part["resources"]["jobs"]), f"{path} names a job again"
            jobs.update(part["resources"]["jobs"])
    return bundle


def resolved(bundle: dict[str, Any], target: str) -> dict[str, Any]:
    """The bundle of one target, its variables filled in."""
    values = {"bundle.name": bundle["bundle"]["name"], "bundle.target": target}
    values["workspace.current_user.userName"] = "someone@example.com"
    given = bundle["targets"][target]["variables"]
    for name, variable in bundle["variables"].items():
        value = given.get(name, variable.get("default", "looked-up" if "lookup" in variable else None))
        assert value is not None, f"the variable {name} has no value in {target}"
        values[f"var.{name}"] = value

    def fill(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: fill(value) for key, value in node.items()}
        if isinstance(node, list):
            return [fill(value) for value in node]
        if isinstance(node, str) and (whole := re.fullmatch(r"\$\{([\w.]+)\}", node)):
            return fill(values[whole[1]])
        if isinstance(node, str):
            return re.sub(r"\$\{([\w.]+)\}", lambda found: str(fill(values[found[1]])), node)
        return node

    return fill({**bundle, "targets": {target: bundle["targets"][target]}})


def unknown_keys(node: Any, known: Any, where: str = "") -> Iterator[str]:
    if isinstance(known, dict) and not isinstance(node, dict):
        yield f"{where}: expected keys"
    elif isinstance(known, dict):
        for key, value in node.items():
            if key not in known and "*" not in known:
                yield f"{where}.{key}"
            else:
                yield from unknown_keys(value, known.get(key, known.get("*")), f"{where}.{key}")


def tasks_of(job: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {task["task_key"]: task for task in job["tasks"]}


def before(tasks: dict[str, dict[str, Any]], name: str) -> set[str]:
    """All tasks that must have ended before this one starts; fails on a circle."""

    def follow(each: str, path: tuple[str, ...]) -> set[str]:
        assert each not in path, f"a circle: {' -> '.join((*path, each))}"
        direct = {dependency["task_key"] for dependency in tasks[each].get("depends_on", [])}
        return direct.union(*(follow(one, (*path, each)) for one in direct))

    return follow(name, ())


def commands(job: dict[str, Any]) -> dict[str, list[str]]:
    """The command line of each Python task, as it is when the job runs."""
    given = {f"job.parameters.{each['name']}": str(each["default"]) for each in job.get("parameters", [])}
    return {
        name: [at_run_time(str(each), given) for each in task["python_wheel_task"]["parameters"]]
        for name, task in tasks_of(job).items()
        if "python_wheel_task" in task
    }


def at_run_time(text: str, given: dict[str, str]) -> str:
    """References filled in, with those that the defaults of parameters make."""
    while found := re.search(r"\{\{([\w.]+)\}\}", text):
        text = text.replace(found[0], (AT_RUN_TIME | given)[found[1]])
    return text


def parse(arguments: list[str]) -> Any:
    """What the command line makes of the arguments, as a click context, without running the command."""
    group: Any = typer.main.get_command(app)
    outer = group.context_class(group, info_name="orrery")
    name, command, rest = group.resolve_command(outer, arguments)
    return command.make_context(name, rest, parent=outer)


def as_text(node: Any) -> Any:
    """Values as YAML spells them: 4 and "4" are the same where a text is asked for."""
    if isinstance(node, dict):
        return {key: as_text(value) for key, value in node.items()}
    return [as_text(value) for value in node] if isinstance(node, list) else str(node)


BUNDLES = {target: resolved(loaded(), target) for target in TARGETS}
JOBS = [
    pytest.param(job, id=f"{target}-{name}")
    for target, bundle in BUNDLES.items()
    for name, job in bundle["resources"]["jobs"].items()
]


# The bundle


@pytest.mark.parametrize("target", TARGETS)
def test_the_bundle_has_only_sections_and_keys_that_the_cli_knows(target):
    assert list(unknown_keys(BUNDLES[target], BUNDLE)) == []
    assert set(BUNDLES[target]) == REQUIRED


def test_targets_differ_only_by_variables_and_by_how_they_are_deployed():
    targets = loaded()["targets"]

    assert tuple(targets) == TARGETS
    assert [name for name, target in targets.items() if target.get("default")] == ["dev"]
    assert len({frozenset(target["variables"]) for target in targets.values()}) == 1
    assert all(set(target) - {"default"} == {"mode", "workspace", "variables"} for target in targets.values())


def test_a_target_gives_values_only_to_declared_variables_and_every_variable_is_used():
    bundle = loaded()
    text = "\n".join(path.read_text() for path in [ROOT / "databricks.yml", *ROOT.glob("jobs/*.job.yml")])

    assert set(re.findall(r"\$\{var\.(\w+)\}", text)) == set(bundle["variables"])
    assert all(set(target["variables"]) <= set(bundle["variables"]) for target in bundle["targets"].values())


def test_a_production_target_says_its_root_path_so_that_it_is_deployed_once():
    productions = [target for target in loaded()["targets"].values() if target["mode"] == "production"]

    assert len(productions) == 2
    assert all("/Shared/" in target["workspace"]["root_path"] for target in productions)


def test_the_wheel_is_built_from_this_project():
    bundle = loaded()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert bundle["artifacts"] == {"orrery": {"type": "whl", "path": ".", "build": "uv build --wheel"}}
    assert project["name"] == bundle["bundle"]["name"] == "orrery"


def test_the_wheel_does_not_ask_for_a_spark_of_its_own_which_would_take_the_place_of_the_runtimes():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked_for = {re.split(r"[^\w-]", requirement)[0] for requirement in project["dependencies"]}

    assert asked_for & {"pyspark", "delta-spark", "dbt-spark"} == set()


# Its jobs


@pytest.mark.parametrize("job", JOBS)
def test_a_job_passes_the_types_of_databricks_bundles(job):
    made = Job.from_dict(copy.deepcopy(job))

    assert as_text(made.as_dict()) == as_text(job)


def test_those_types_refuse_an_unknown_key_a_wrong_value_and_a_missing_one():
    good = BUNDLES["dev"]["resources"]["jobs"]["customer_intelligence"]
    assert Job.from_dict(copy.deepcopy(good))
    for spoil in (
        lambda job: job["tasks"][0].update(max_retry=3),
        lambda job: job["tasks"][0].update(max_retries="often"),
        lambda job: job["schedule"].update(pause_status="STOPPED"),
        lambda job: job["job_clusters"][0]["new_cluster"]["autoscale"].update(maximum=3),
        lambda job: job["tasks"][0]["python_wheel_task"].pop("entry_point"),
    ):
        job = copy.deepcopy(good)
        spoil(job)
        with pytest.raises((ValueError, TypeError)):
            Job.from_dict(job)


@pytest.mark.parametrize("job", JOBS)
def test_every_python_task_names_an_entry_point_of_the_wheel_and_arguments_that_it_takes(job):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    tasks = tasks_of(job)

    for name, arguments in commands(job).items():
        wheel = tasks[name]["python_wheel_task"]
        assert wheel["package_name"] == project["name"]
        assert project["scripts"][wheel["entry_point"]] == "jobs.cli:main"
        assert parse(arguments).info_name == arguments[0]


def test_the_command_line_refuses_what_a_task_might_name_by_mistake():
    for arguments in (
        ["silvre"],
        ["gold", "--on", "2024-06-30"],
        ["gold", "--as-of", "today"],
        ["check", "--layer", "x"],
    ):
        with pytest.raises(UsageError):
            parse(arguments)


@pytest.mark.parametrize("job", JOBS)
def test_tasks_depend_on_tasks_that_exist_and_never_on_themselves(job):
    tasks = tasks_of(job)

    assert len(tasks) == len(job["tasks"])
    for name, task in tasks.items():
        assert before(tasks, name) <= set(tasks)
        for dependency in task.get("depends_on", []):
            is_condition = "condition_task" in tasks[dependency["task_key"]]
            assert is_condition == ("outcome" in dependency)


@pytest.mark.parametrize("job", JOBS)
def test_every_task_but_a_condition_runs_on_a_declared_cluster_with_what_it_needs_installed(job):
    clusters = {each["job_cluster_key"]: each["new_cluster"] for each in job["job_clusters"]}

    used = set()
    for task in job["tasks"]:
        if "condition_task" in task:
            continue
        used.add(task["job_cluster_key"])
        installed = [next(iter(library.values())) for library in task["libraries"]]
        if "python_wheel_task" in task:
            assert Path(installed[0]).name.startswith("horovod-") and installed[1] == "../dist/*.whl"
        else:
            assert installed[0]["package"].startswith("dbt-databricks")
    assert used == set(clusters)
    autoscaled = clusters["main"]["autoscale"]
    assert 1 <= autoscaled["min_workers"] <= autoscaled["max_workers"]


@pytest.mark.parametrize("job", JOBS)
def test_clusters_give_the_command_line_settings_that_it_knows(job):
    for cluster in job["job_clusters"]:
        given = cluster["new_cluster"]["spark_env_vars"]
        fields = {name.removeprefix("ORRERY_").lower(): value for name, value in given.items()}
        settings = Settings(**fields)
        assert (settings.target, settings.table("gold.x")) == ("databricks", f"{given['ORRERY_CATALOG']}.gold.x")


@pytest.mark.parametrize("job", JOBS)
def test_a_job_is_tried_again_tells_of_failure_and_never_runs_beside_itself(job):
    assert job["email_notifications"]["on_failure"] == ["someone@example.com"]
    assert job["max_concurrent_runs"] == 1
    assert all(task.get("max_retries", 0) >= 1 for task in job["tasks"] if "condition_task" not in task)


# The job that does it all


@pytest.fixture
def job() -> dict[str, Any]:
    return BUNDLES["prod"]["resources"]["jobs"]["customer_intelligence"]


def test_the_job_runs_every_day_for_the_day_of_its_trigger(job):
    assert job["schedule"] == {
        "quartz_cron_expression": "0 0 4 * * ?",
        "timezone_id": "UTC",
        "pause_status": "UNPAUSED",
    }
    assert {"name": "as_of", "default": "{{job.trigger.time.iso_date}}"} in job["parameters"]
    assert parse(commands(job)["score"]).params["as_of"].isoformat() == "2024-06-30T00:00:00"


def test_only_prod_runs_by_itself():
    schedules = {
        target: bundle["resources"]["jobs"]["customer_intelligence"]["schedule"]["pause_status"]
        for target, bundle in BUNDLES.items()
    }

    assert schedules == {"dev": "PAUSED", "staging": "PAUSED", "prod": "UNPAUSED"}


def test_each_layer_is_checked_before_the_next_is_built(job):
    tasks = tasks_of(job)
    built_by = dict(zip(LAYERS, ("ingest", "silver", "gold", "score"), strict=True))

    for layer, task in built_by.items():
        check = next(name for name, words in commands(job).items() if words[:3] == ["check", "--layer", layer])
        assert task in before(tasks, check)
        for later in LAYERS[LAYERS.index(layer) + 1 :]:
            assert check in before(tasks, built_by[later])
    assert "check_ml" in before(tasks, "marts")
    assert before(tasks, "report") == set(tasks) - {"report"}


def test_scoring_goes_on_without_training_on_other_days_but_not_after_training_failed(job):
    tasks = tasks_of(job)

    assert tasks["train"]["depends_on"] == [{"task_key": "is_day_of_training", "outcome": "true"}]
    assert tasks["score"]["run_if"] == "NONE_FAILED"
    assert tasks["is_day_of_training"]["condition_task"]["right"] == "{{job.parameters.train_on}}"


def test_as_many_machines_train_as_there_are_horovod_workers(job):
    cluster = next(each["new_cluster"] for each in job["job_clusters"] if each["job_cluster_key"] == "training")

    assert parse(commands(job)["train"]).params["workers"] == cluster["num_workers"] == 4


def test_the_dbt_task_builds_the_project_of_this_repository_for_the_jobs_day(job):
    dbt = tasks_of(job)["marts"]["dbt_task"]
    project = yaml.safe_load((ROOT / "jobs" / dbt["project_directory"] / "dbt_project.yml").read_text())

    (command,) = dbt["commands"]
    words = shlex.split(at_run_time(command, {"job.parameters.as_of": "2024-06-30"}))
    assert words[:3] == ["dbt", "build", "--vars"]
    assert yaml.safe_load(words[3]) == {"as_of": "2024-06-30"}
    assert set(yaml.safe_load(words[3])) <= set(project["vars"])
    assert dbt["catalog"] == "orrery"
