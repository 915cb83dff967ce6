"""`onetrunk search`: trials of other settings, each a DVC experiment; the best of them into params.yaml."""

from __future__ import annotations

from pathlib import Path

import optuna
from optuna.trial import FrozenTrial, TrialState
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from components import advice, params
from components.data.propose.entry import flow
from components.data.validation.records import VALIDATION, Validation
from components.errors import UserError
from components.files import atomic_file
from components.params import searches
from components.params.searches import Values
from components.search import study as studies
from components.search import trial
from components.search.edit import edited
from components.settings.project import Project
from components.settings.search import Search
from flows import experiments
from flows.running import graph, lock

SHOWN = 5  # of the best trials
SAVED = "experiments"  # what a study notes: the numbers of the trials that are DVC experiments
console = Console(highlight=False, soft_wrap=True)


def run(root: Path, project: Project, name: str, search: Search) -> int:
    """Train until the search's trials have ended, going on from an earlier call; show the best.

    Raises:
        UserError: the data are not encoded as params.yaml says, or experiments cannot be saved.
    """
    experiments.check(root)
    with lock.only_run(root):
        lock.stop_orphans(root)
        _require_data()
        study = _opened(root, project, name, search)
        _optimise(root, project, name, search, study)
    _show(name, search, study)
    return 0


def apply(root: Path, project: Project, name: str, search: Search) -> int:
    """Write the values of the best trial so far into params.yaml.

    Raises:
        UserError: no trial has run to its end, or the file cannot be edited by a program.
    """
    ranked = studies.best(_opened(root, project, name, search))
    if not ranked:
        first = f"run `onetrunk search {advice.word(name)}` first"
        raise UserError(f"search.{name}: no trial has run to its end; {first}")
    values, settings_file = ranked[0].user_attrs[studies.VALUES], root / params.PARAMS
    with atomic_file(settings_file) as copy:
        copy.write_text(edited(settings_file.read_text(encoding="utf-8"), values), encoding="utf-8")
        if searches.with_values(params.load(copy), {}) != searches.with_values(project, values):
            raise UserError(f"{settings_file}: not written, its YAML is too intricate; put in {flow(values)}")
    console.print(f"written to {params.PARAMS}: trial {ranked[0].number + 1}, score {ranked[0].value:.4f}")
    for parameter, value in values.items():
        console.print(Text(f"  {parameter}: {flow(value)}"))
    console.print("Next: onetrunk run")
    return 0


def _require_data() -> None:
    """The encoded tasks are what params.yaml asks for; plan and start are each trial's own."""
    stages = graph.read().up_to("plan")
    stale = {name for name in stages.if_unchanged().stale if name.partition("@")[0] not in ("plan", "start")}
    if stale:
        raise UserError(
            f"the encoded data are not what params.yaml asks for (changed: {', '.join(sorted(stale)[:3])}"
            f"{', ...' if len(stale) > 3 else ''}); run `dvc repro plan` first"
        )


def _exclude(root: Path) -> dict[str, list[str]]:
    """Training rows that are held out in another task, per task."""
    return Validation.read(root / VALIDATION).between_tasks.exclude


def _opened(root: Path, project: Project, name: str, search: Search) -> optuna.Study:
    file = studies.file_of(root, name)
    is_new = not file.exists()
    study = studies.open_study(file, studies.identity(project, search, root, _exclude(root)))
    if study.trials:
        console.print(f"search {name}: {_counted(study)} so far")
    elif not is_new:
        console.print(
            f"search {name}: a new study begins: ranges, other settings, data or code have changed, and the "
            f"scores of before do not compare"
        )
    return study


def _optimise(root: Path, project: Project, name: str, search: Search, study: optuna.Study) -> None:
    exclude, text = _exclude(root), (root / params.PARAMS).read_text(encoding="utf-8")

    def train(asked: optuna.Trial, values: Values) -> trial.Scores:
        return trial.train(project, values, root, exclude, trial.Pruning(asked))

    def ended(frozen: FrozenTrial) -> None:
        console.print(_line(frozen, search, study))
        _save_experiments(root, name, study, text)

    _save_experiments(root, name, study, text)  # the trial after which an earlier call was killed
    studies.optimise(study, project, search, train, ended)


def _save_experiments(root: Path, name: str, study: optuna.Study, text: str) -> None:
    """Save each trial that has run to its end, once: what the user removes stays removed.

    `text` is params.yaml as it was when the search began; the user may be writing in it since.
    """
    saved: list[int] = study.user_attrs.get(SAVED, [])
    for frozen in studies.best(study):
        if frozen.number not in saved:
            noted = frozen.user_attrs
            settings_file = edited(text, noted[studies.VALUES])
            experiments.save(root, experiment(name, study, frozen), settings_file, noted[studies.SCORES])
            study.set_user_attr(SAVED, saved := [*saved, frozen.number])


def experiment(name: str, study: optuna.Study, frozen: FrozenTrial) -> str:
    """The name of a trial's DVC experiment."""
    return f"{name}-{study.study_name[:6]}-{frozen.number + 1}"


def _line(frozen: FrozenTrial, search: Search, study: optuna.Study) -> Text:
    """A trial that has ended, in one line."""
    ended = {
        TrialState.COMPLETE: f"score {frozen.value or 0:.4f}",
        TrialState.PRUNED: "ended early",
        TrialState.FAIL: f"failed: {frozen.user_attrs.get(studies.PROBLEM)}",
    }
    ranked = studies.best(study)
    best = f", best {ranked[0].value:.4f}" if ranked else ""
    values = "  ".join(_values(frozen, search))
    return Text(f"trial {frozen.number + 1}/{search.trials}  {ended[frozen.state]}{best}  {values}")


def _values(frozen: FrozenTrial, search: Search) -> list[str]:
    """`key value` of each setting that varies."""
    return [
        f"{parameter.rpartition('.')[2]} {flow(value)}"
        for parameter, value in frozen.user_attrs[studies.VALUES].items()
        if len(search.parameters[parameter].choices) != 1
    ]


def _counted(study: optuna.Study) -> str:
    states = [trial.state for trial in study.trials]
    return (
        f"{states.count(TrialState.COMPLETE)} trials ran to their end, {states.count(TrialState.PRUNED)} "
        f"were ended early, {states.count(TrialState.FAIL)} failed"
    )


def _show(name: str, search: Search, study: optuna.Study) -> None:
    console.print(f"\n{_counted(study)}")
    table = Table(box=SIMPLE, pad_edge=False)
    for column in ("experiment", "score", "settings"):
        table.add_column(column, no_wrap=column != "settings")
    for frozen in studies.best(study)[:SHOWN]:
        values = Text("\n".join(_values(frozen, search)))
        table.add_row(experiment(name, study, frozen), f"{frozen.value:.4f}", values)
    if table.rows:
        console.print(table)
        apply = Text(f"Next: `onetrunk search {advice.word(name)} --apply`")
        console.print(apply.append(", or `dvc exp show`, `dvc exp apply EXPERIMENT`"), soft_wrap=True)
