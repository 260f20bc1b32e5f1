"""The two programs that converge a machine, and what each says of it in one shape."""
import json

import network

SIDE = "/opt/side"
PEER = "/opt/peer/bin"


def ansible(machine, row, log, play="play.yml"):
    """One converge by ansible-core: its rows, and what it printed."""
    environment = {**row["environment"], "RECORD": log, "ANSIBLE_CALLBACK_PLUGINS": f"{SIDE}/callback", "ANSIBLE_NOCOLOR": "1",
                   "ANSIBLE_STDOUT_CALLBACK": "recorder", "ANSIBLE_PIPELINING": "1", "ANSIBLE_ALLOW_BROKEN_CONDITIONALS": "1", "ANSIBLE_ROLES_PATH": f"{SIDE}/tree/roles",
                   "AWS_ENDPOINT_URL": f"http://127.0.0.1:{network.AWS}", "AWS_REGION": "us-east-2"}
    machine.run("rm", "-f", log)
    ended = machine.run(f"{PEER}/ansible-playbook", "-i", "localhost,", "-c", "local", "-e",
                        f"ansible_python_interpreter={PEER}/python3", "-e", f"@{SIDE}/tree/vars.json", f"{SIDE}/tree/{play}",
                        env=environment, cwd=f"{SIDE}/tree")
    text = machine.said("cat", log)
    return [json.loads(line) for line in text.splitlines()], ended.stdout + ended.stderr


def muster(machine, row, _, play="play.yml"):
    """One converge by muster, in the shape of the recorder's."""
    ended = machine.run(f"{SIDE}/muster", "converge", "--json", "--set", "trust.unverified_trees=true", "--tree", f"{SIDE}/tree",
                        "--set", f"network.endpoint_url=http://127.0.0.1:{network.AWS}", "--set", "network.region=us-east-2",
                        "--playbook", play, "-e", f"@{SIDE}/tree/vars.json",
                        env={"AWS_REGION": "us-east-2", **row["environment"]}, cwd=f"{SIDE}/tree")
    events = []
    for line in ended.stdout.splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            continue
    rows, task = [], ""
    for event in events:
        if event.get("event") == "task":
            task = f"{event['role']} : {event['name']}" if event.get("role") else event["name"]
        elif event.get("event") == "recap":
            rows.append({"recap": event["recap"]})
        elif event.get("event") == "result" and task != "Gathering Facts":
            rows.append({"task": task, **event})
    return rows, ended.stdout + ended.stderr


SIDES = {"ansible": ansible, "muster": muster}
