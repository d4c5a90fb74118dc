"""`simulate`: raw files for a lakehouse to take in."""

from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from simulator import complete_journey
from simulator.warts import RawFile

app = typer.Typer(add_completion=False, no_args_is_help=True)

Landing = Annotated[Path, typer.Option(envvar="ORRERY_LANDING", help="The folder where raw files arrive.")]
Until = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Only what had arrived by the end of this day.")
]
Households = Annotated[int | None, typer.Option(min=1, help="Only the first N households by id.")]
Promotions = Annotated[bool, typer.Option(help="Whether to write the promotions, which are 20.9 million rows.")]
PromotionWeeks = Annotated[int | None, typer.Option(min=0, max=53, help="Only the first N weeks of promotions.")]
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


def main() -> None:
    app()


if __name__ == "__main__":
    main()
