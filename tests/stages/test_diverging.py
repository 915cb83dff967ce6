"""A training that diverges ends with one sentence that says what to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from components import params
from components.stages import run, train


@pytest.mark.slow
@pytest.mark.usefixtures("encoded_project")
def test_weights_that_no_gradient_holds_end_the_stage_with_a_sentence(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = "{mood: 1.0e+300, size: 1, people: 1, closeness: 1}"
    balancing = f"  balancing: {{weights: {{method: static, weights: {weights}}}}}"
    settings = Path(params.PARAMS)
    settings.write_text(settings.read_text().replace("  window: 4", f"  window: 4\n{balancing}"))
    monkeypatch.setattr("sys.argv", ["train"])
    with pytest.raises(SystemExit) as ended:
        run(train.main)
    assert ended.value.code == 2
    assert "error: step 0: a gradient is not finite; a smaller learning rate" in capsys.readouterr().err
