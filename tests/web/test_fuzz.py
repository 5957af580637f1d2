"""Whatever a client sends, the server answers in words: no call that the schema allows, or forbids, ends in a 5xx."""

import os
import shutil

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

from tacit.web.app import make_app
from tacit.web.desk import Desk

EACH = int(os.environ.get("TACIT_FUZZ", "12"))  # calls of a route


@pytest.fixture(scope="module")
def routes(learned, tmp_path_factory):
    """The schema of a server whose project has everything: a space, a model, answers, picks. No process is started."""
    here = tmp_path_factory.mktemp("fuzz")
    shutil.copytree(learned, here, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tacit.web.jobs.Jobs.start_process", lambda self, job: None)
        desk = Desk(here / "photos.tacit")
        desk.open()
        assert desk.failure is None
        yield schemathesis.openapi.from_asgi("/openapi.json", make_app(desk, hosts=["testserver"]))


api = schemathesis.pytest.from_fixture("routes")


@api.parametrize()
@settings(
    max_examples=EACH,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_no_call_ends_in_a_5xx(case):
    answer = case.call()
    assert answer.status_code < 500, f"{case.as_curl_command()}\n{answer.text[:600]}"
    if answer.status_code >= 400:
        said = answer.json()
        assert said["error"] and set(said) == {"error", "next", "code"}
