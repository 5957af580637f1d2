"""Whatever a client sends, the server answers in words: no call that the schema allows, or forbids, ends in a 5xx."""

import os
import shutil

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from tacit.web.app import make_app
from tacit.web.desk import Desk

EACH = int(os.environ.get("TACIT_FUZZ", "12"))  # calls of a route
PLAN = settings(
    max_examples=EACH,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def schema(learned, tmp_path_factory):
    """The schema of a server whose project has everything: a space, a model, answers, picks. No process is started."""
    here = tmp_path_factory.mktemp("fuzz")
    shutil.copytree(learned, here, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tacit.web.jobs.Jobs._launch", lambda self, job: None)
        desk = Desk(here / "photos.tacit")
        desk.open()
        assert desk.failure is None
        yield schemathesis.openapi.from_asgi("/openapi.json", make_app(desk, hosts=["testserver"]))
        desk.jobs.close()  # while none can start


def test_no_call_ends_in_a_5xx(schema):
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) > 40
    wrong = [said for operation in operations if (said := first_failure(operation))]
    assert not wrong, "\n".join(wrong)


def first_failure(operation) -> str:
    """What went wrong with a route, if anything: the first call that ends in a 5xx, or in no sentence."""

    @PLAN
    @given(case=operation.as_strategy())
    def check(case) -> None:
        answer = case.call()
        assert answer.status_code < 500, f"{case.as_curl_command()}\n{answer.text[:400]}"
        if answer.status_code >= 400:
            said = answer.json()
            assert said["error"] and set(said) == {"error", "next", "code"}, f"{case.as_curl_command()}\n{said}"

    try:
        check()
    except Exception as error:
        return f"{operation.method.upper()} {operation.path}: {type(error).__name__} {str(error)[:800]}"
    return ""
