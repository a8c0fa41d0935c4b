"""Sends again the events that were put aside, for when the reason why the API did not take them is
gone.
"""

from marathon_relay.api import Api, Failed
from marathon_relay.log import Log
from marathon_relay.settings import Settings
from marathon_relay.spool import ASIDE


def send_aside(settings: Settings, log: Log) -> int:
    """Send each event that lies aside, the oldest first, and delete what the API has confirmed. A
    relay may use the same spool meanwhile. Returns the exit status: 0 if nothing is left.
    """
    folder = settings.spool / ASIDE
    files = sorted(folder.glob("*.json"))  # their names begin with the time
    api, left = Api(settings), 0
    for file in files:
        try:
            body = file.read_bytes()
            api.post([body])
            file.unlink()
        except Failed as error:
            left += 1
            log.write("aside_refused", file=file, bytes=len(body), reason=error.reason)
        except OSError as error:
            left += 1
            log.write("aside_refused", file=file, bytes=0, reason=f"{error.strerror}.")
        else:
            log.write("aside_sent", file=file, bytes=len(body))
    log.write("aside_done", folder=folder, sent=len(files) - left, left=left)
    return 1 if left else 0
