import json
import subprocess
import sys

PROGRAM = """
import logging, structlog
from deploy.logs import configure
configure()
structlog.get_logger("x").info("started", partitions=64)
logging.getLogger("some.library").warning("careful %s", 3)
logging.getLogger("aiokafka").info("chatter")
"""


def test_everything_is_one_json_object_a_line_on_stderr() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == ""
    first, second = (json.loads(line) for line in done.stderr.splitlines())
    assert (first["message"], first["level"], first["partitions"]) == ("started", "info", 64)
    assert (second["message"], second["level"], second["logger"]) == ("careful 3", "warning", "some.library")
    assert first["timestamp"].endswith("Z")
