"""An ansible-core callback that writes each result down, as `record` keeps it: one JSON object a line."""
import json
import os

from ansible.plugins.callback import CallbackBase

# What no two runs share, and what only Ansible's own machinery says.
DROPPED = {"invocation", "diff", "start", "end", "delta", "warnings", "deprecations", "exception", "uid", "gid", "owner",
           "group", "secontext", "atime", "mtime", "ctime", "inode", "dev", "nlink", "backup_file",
           "ansible_loop_var", "ansible_index_var", "failed_when_suppressed_exception"}


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "recorder"

    def _write(self, status, result, ignored=False):
        task = result._task_fields or {}
        if (task.get("action") or result._task.action).rsplit(".", 1)[-1] in ("include_tasks", "include_role", "gather_facts", "meta"):
            return
        kept = clean(dict(result._result))
        if status == "ok" and kept.get("changed"):
            status = "changed"
        with open(os.environ["RECORD"], "a") as out:
            row = {"task": result._task.get_name().strip(), "status": "ignored" if ignored else status, "result": kept}
            out.write(json.dumps(row, default=str) + "\n")

    def _whole(self, status, result, ignored=False):
        # A loop's items were written one by one; some modules call what they tell `results` too.
        if "results" not in result._result or result._task.loop is None:
            self._write(status, result, ignored)

    def v2_runner_on_ok(self, result):
        self._whole("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._whole("failed", result, ignore_errors)

    def v2_runner_on_skipped(self, result):
        self._whole("skipped", result)

    def v2_runner_item_on_ok(self, result):
        self._write("ok", result)

    def v2_runner_item_on_failed(self, result):
        self._write("failed", result, bool((result._task_fields or {}).get("ignore_errors")))

    def v2_runner_item_on_skipped(self, result):
        self._write("skipped", result)

    def v2_playbook_on_stats(self, stats):
        recap = stats.summarize("localhost")
        names = ("ok", "changed", "failures", "skipped", "rescued", "ignored")
        with open(os.environ["RECORD"], "a") as out:
            out.write(json.dumps({"recap": {name.replace("failures", "failed"): recap[name] for name in names}}) + "\n")


def clean(value):
    if isinstance(value, dict):
        return {str(k): clean(v) for k, v in value.items() if not str(k).startswith("_ansible") and k not in DROPPED}
    if isinstance(value, (list, tuple)):
        return [clean(member) for member in value]
    return value
