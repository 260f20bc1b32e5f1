"""Templates side by side: random expressions, and every template of roles, through Jinja2 as ansible-core runs it and
through muster in one run; what they yield must be the same.

    pip install 'ansible==12.*'
    TZ=UTC python tests/ansible/templates.py --muster BINARY [--expressions 1000] [--seed N] [--corpus DIRECTORY ...]

A template file is rendered several times: with the variables of its role alone, and with every name that these lack as a
text, a list of texts, a mapping, a list of mappings. Ends with 1 where the two differ, and shows how.
"""
import argparse
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

os.environ.setdefault("ANSIBLE_JINJA2_EXTENSIONS", "jinja2.ext.loopcontrols,jinja2.ext.do")
os.environ.setdefault("ANSIBLE_DEPRECATION_WARNINGS", "false")

import jinja2
import jinja2.meta
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.loader import init_plugin_loader
from ansible.template import Templar, trust_as_template
from plain import plain, trusted

VARIABLES = {
    "zero": 0, "one": 1, "seven": 7, "minus": -3, "half": 0.5, "big": 123456, "yes": True, "no": False, "nothing": None,
    "empty": "", "word": "Alpha beta", "path": "/etc/app/a.conf", "digits": "042", "lines": "one\ntwo\n", "unicode": "é日x",
    "numbers": [3, 1, 2, 3], "words": ["b", "a", "C", "a"], "mixed": [1, "a", None, 2.5, True], "none_at_all": [],
    "nested": [[1, 2], [3, [4]]], "map": {"b": 2, "a": 1, "c": {"d": [1, 2]}}, "hollow": {},
    "rows": [{"name": "n1", "size": 3, "on": True}, {"name": "n2", "size": 1, "on": False}, {"name": "n3", "size": 2}],
}
FACTS = {"os_family": "Debian", "distribution": "Ubuntu", "distribution_version": "24.04", "distribution_major_version": "24",
         "distribution_release": "noble", "hostname": "web", "fqdn": "web.example.com", "domain": "example.com",
         "default_ipv4": {"address": "10.0.0.5", "interface": "eth0"}, "all_ipv4_addresses": ["10.0.0.5"], "system": "Linux",
         "processor_vcpus": 4, "processor_cores": 2, "processor_count": 1, "memtotal_mb": 4096, "architecture": "x86_64",
         "service_mgr": "systemd", "env": {"HOME": "/root"}, "user_id": "root", "nodename": "web", "kernel": "6.1.0",
         "interfaces": ["lo", "eth0"], "machine": "x86_64", "virtualization_type": "kvm", "pkg_mgr": "apt"}
# Ansible's own, and what a lookup of a template sets.
SPECIAL = {"omit", "groups", "hostvars", "inventory_hostname", "inventory_hostname_short", "group_names", "playbook_dir",
           "role_path", "role_name", "ansible_role_name", "ansible_play_hosts", "ansible_play_batch", "ansible_search_path",
           "ansible_managed", "template_path", "template_host", "template_uid", "template_fullpath", "template_run_date",
           "template_destpath", "template_mtime", "ansible_check_mode", "play_hosts", "ansible_play_hosts_all", "ansible_version", "ansible_play_name", "vars", "lookup",
           "query", "q", "now", "range", "dict", "lipsum", "cycler", "joiner", "namespace", "undef"}
# What no two runs share.
UNSTABLE = re.compile(r"now\(|\| *(?:ansible\.builtin\.)?strftime|\| *random|template_(?:run_date|mtime|uid|host)|ansible_date_time|(?:lookup|query|q)\( *['\"](?:ansible\.builtin\.)?(?:pipe|password|random|url|env|lines)")


# What PyYAML writes where a value's place in memory stands twice in what it writes.
ANCHOR = re.compile(r"&id\d{3}\b")
# A method that was named and not called, printed with where it lies in Python's memory.
PYTHON = re.compile(r"<(?:built-in|bound) method |<function ")


class Expressions:
    """Writes random expressions."""

    FILTERS = """abs,bool,capitalize,center(12),count,d('x'),default('x'),default('x', true),dict2items,dictsort,e,escape,first,
    flatten,flatten(1),float,float(1.5),forceescape,int,int(7),int(base=8),items2dict,join,join('-'),last,length,list,lower,
    map('upper'),map('int'),map('string'),map(attribute='name'),map(attribute='size', default=0),map('default', 'q'),max,min,
    pprint,quote,reject('odd'),reject('none'),rejectattr('on', 'defined'),replace('a', 'X'),reverse,round,round(1),
    round(1, 'floor'),select,select('string'),select('number'),selectattr('on'),selectattr('size', 'gt', 1),slice(2),sort,
    sort(reverse=true),sort(attribute='size'),string,striptags,sum,sum(attribute='size'),sum(start=2),title,to_json,
    to_nice_json,tojson,to_yaml,trim,truncate(5),truncate(5, true),truncate(7, true, '..', 0),type_debug,unique,upper,urlencode,
    wordcount,wordwrap(6),xmlattr,zip(numbers),zip_longest(words, fillvalue='-'),batch(2),batch(2, '-'),groupby('size'),
    groupby('on', default='x'),intersect(numbers)|length,difference(words)|length,union(words)|length,symmetric_difference(numbers)|length,combine({'z': 9}),
    combine(map, recursive=true),b64encode,basename,dirname,splitext,regex_replace('a', '<\\\\g<0>>'),regex_search('[a-z]+'),
    regex_findall('.'),regex_escape,split,split('a'),ternary('t', 'f'),ternary('t', 'f', 'n'),hash('sha1'),md5,sha1,checksum,
    human_readable,human_to_bytes,log,log(10),pow(2),root,product(words),combinations(2)|list,permutations(2)|list|length,
    subelements('name', skip_missing=true),extract(map),mandatory,to_uuid,indent,indent(2, true),indent('> '),filesizeformat,
    format(1),list|reverse|list,attr('name'),items|list,path_join,commonpath,normpath,comment,from_json,from_yaml,password_hash('md5', 'ab'),
    strftime(0),win_basename,urlsplit('path'),expanduser,relpath('/etc')""".replace("\n", "")
    TESTS = """defined,undefined,none,string,number,integer,float,boolean,mapping,sequence,iterable,odd,even,true,false,upper,lower,
    divisibleby(3),eq(1),ne(1),gt(1),lt('b'),ge(2),in([1, 2, 'a']),sameas(true),match('a'),search('a'),regex('^a'),contains('a'),
    contains(1),subset(numbers),superset([1]),all,any,abs,version('1.2', '>='),truthy,falsy,callable,escaped,
    file,directory,exists""".replace("\n", "")
    METHODS = """upper(),lower(),split(),split('a'),strip(),startswith('A'),endswith('a'),replace('a', 'b'),find('a'),count('a'),
    index('a'),title(),capitalize(),splitlines(),join(['x', 'y']),format(1, 2),isdigit(),zfill(5),ljust(8, '.'),rjust(8),partition('/'),
    rpartition('/'),rsplit('/', 1),keys(),values(),items(),get('a'),get('zz', 5),swapcase(),isalpha(),lstrip('/'),rstrip('f'),
    center(9),encode(),casefold(),expandtabs(),isupper(),copy()""".replace("\n", "")

    def __init__(self, seed):
        self.random = random.Random(seed)
        split = lambda text: [part.strip() for part in re.split(r",(?![^(]*\))(?![^{]*\})", text)]
        self.filters, self.tests, self.methods = map(split, (self.FILTERS, self.TESTS, self.METHODS))

    def literal(self):
        pick = self.random.choice
        return pick(["0", "1", "-2", "3.5", "1e3", "true", "none", "'a'", "'Ab c'", '"x\'y"', "''", "[]", "[1, 2]", "['a', 'b']", "{}",
                     "{'a': 1}", "(1, 2)", "('a',)", "10", "'10'", "'1.5'", "[{'name': 'x', 'size': 2}]", "range(3)|list"])

    def name(self):
        return self.random.choice([*VARIABLES, *VARIABLES, "missing", "map.a", "map.c.d", "map['b']", "rows[0]", "rows[0].name", "words[1]",
                                   "numbers[-1]", "map.zz", "rows[1].none"])

    def atom(self):
        return self.name() if self.random.random() < 0.65 else self.literal()

    def node(self, depth):
        chance, pick = self.random.random(), self.random.choice
        if depth <= 0 or chance < 0.12:
            return self.atom()
        below = lambda: self.node(depth - 1)
        if chance < 0.5:
            return f"{self.wrapped(below())}|{pick(self.filters)}"
        if chance < 0.6:
            return f"{self.wrapped(below())} {pick(['+', '-', '*', '/', '//', '%', '~', '~'])} {self.wrapped(self.atom())}"
        if chance < 0.7:
            sign = pick(["==", "!=", "<", ">", "<=", ">=", "in", "not in", "and", "or", "and not"])
            return f"{self.wrapped(below())} {sign} {self.wrapped(self.atom())}"
        if chance < 0.8:
            return f"{self.wrapped(below())} is {pick(['', '', 'not '])}{pick(self.tests)}"
        if chance < 0.87:
            return f"{self.wrapped(below())}.{pick(self.methods)}"
        if chance < 0.91:
            part = pick(["[0]", "[-1]", "[1:]", "[:2]", "[::-1]", "[::2]", "['a']", ".name", "[1]", "[-2:]"])
            return f"{self.wrapped(below())}{part}"
        if chance < 0.95:
            return f"{below()} if {self.node(1)} else {self.atom()}"
        return pick([f"{pick('+-')}{self.wrapped(self.atom())}", f"[{below()}, {self.atom()}]", f"{{'k': {below()}}}", f"({below()}, {self.atom()})", f"not {self.wrapped(below())}"])

    @staticmethod
    def wrapped(text):
        return text if re.fullmatch(r"[\w.\[\]]+|'[^']*'", text) and not re.match(r"-?\d", text) else f"({text})"

    def write(self):
        kind, node = self.random.random(), self.node(self.random.randint(1, 3))
        if kind < 0.85:
            return "{{ [" + node + "] }}"
        if kind < 0.9:
            return "<{{ " + node + " }}>{{ " + self.atom() + " }}"
        if kind < 0.95:
            return "{% for x in " + self.name() + " %}{{ loop.index }}{{ x }}{% else %}-{% endfor %}"
        return "{% if " + node + " %}y{% else %}n{% endif %}{% set v = " + self.atom() + " %}{{ v }}"


def by_jinja(loader, variables, text):
    """What ansible-core makes of it: `(True, value)`, or `(False, why not)`."""
    try:
        return True, plain(Templar(loader=loader, variables=variables).template(trusted(text)))
    except Exception as error:
        return False, " ".join(str(error).split())[:200]


def by_muster(binary, work, plays, arguments=()):
    """What muster makes of each task, by name; nothing where it refuses the playbook."""
    # A task a line, so that what is refused as it is read can be told apart.
    (work / "play.yml").write_text(json.dumps(plays).replace('{"name":', '\n{"name":'))
    argv = [binary, "converge", "--json", "--tree", work, "--playbook", work / "play.yml", "--set", "trust.unverified_trees=true",
            "--set", f"state_directory={work}/state", "--set", f"run_directory={work}/run", *arguments]
    ended = subprocess.run(argv, capture_output=True, text=True)
    found, task = {}, None
    for line in ended.stdout.splitlines():
        row = json.loads(line) if line.startswith("{") else {}
        if row.get("event") == "task":
            task = row["name"]
        elif row.get("event") == "result":
            good = row["status"] in ("ok", "changed")
            found[task] = (good, row["result"].get("msg"))
    return found, ended.stderr


def asking(name, text):
    return {"name": name, "debug": {"msg": text}, "ignore_errors": True}


def same(one, other):
    if one[0] and PYTHON.search(str(one[1])):
        # Nobody else has these to print.
        return not other[0]
    if not one[0] or not other[0]:
        return one[0] == other[0]
    # As texts: to Python `2`, `2.0` and `True` may be equal.
    return json.dumps(one[1], sort_keys=True) == json.dumps(other[1], sort_keys=True)


def expressions(options, loader):
    texts = [Expressions(f"{options.seed}.{number}").write() for number in range(options.expressions)]
    variables = trusted(VARIABLES)
    theirs = [by_jinja(loader, variables, text) for text in texts]
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        plays = [{"hosts": "all", "gather_facts": False, "vars": VARIABLES, "tasks": [asking(f"t{number}", text) for number, text in enumerate(texts)]}]
        for _ in range(20):
            ours, said = by_muster(options.muster, work, plays)
            # What does not parse is a failure of its own task; the others are run.
            refused = set(re.findall(r'"name": "(t\d+)"', said))
            lines = (work / "play.yml").read_text().splitlines()
            for line in re.findall(r"play\.yml:(\d+):", said):
                refused |= set(re.findall(r'"name": "(t\d+)"', lines[int(line) - 1]))
            if ours or not refused:
                break
            plays[0]["tasks"] = [task for task in plays[0]["tasks"] if task["name"] not in refused]
    if not ours:
        sys.exit(f"muster refuses the playbook: {said}")
    differing = [(text, a, ours.get(f"t{number}", (False, "not run")))
                 for number, (text, a) in enumerate(zip(texts, theirs)) if not same(a, ours.get(f"t{number}", (False, "")))]
    for text, a, b in differing[: options.show]:
        print(f"--- {text}\n    Jinja2: {a}\n    muster: {b}")
    failing = sum(1 for good, _ in theirs if not good)
    print(f"seed {options.seed}: {len(texts)} expressions, {failing} fail with Jinja2, {len(differing)} differ")
    return not differing


def asked(texts):
    """The names and attributes that texts read."""
    environment = jinja2.Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])
    names, attributes = set(), set()
    for text in texts:
        try:
            tree = environment.parse(text)
            names |= jinja2.meta.find_undeclared_variables(tree)
        except jinja2.TemplateError:
            continue
        attributes |= {node.attr for node in tree.find_all(jinja2.nodes.Getattr)}
        attributes |= {node.arg.value for node in tree.find_all(jinja2.nodes.Getitem)
                       if isinstance(node.arg, jinja2.nodes.Const) and isinstance(node.arg.value, str)}
    return names - SPECIAL, sorted(attributes)


def strings(value):
    if isinstance(value, dict):
        return [text for member in value.values() for text in strings(member)]
    if isinstance(value, list):
        return [text for member in value for text in strings(member)]
    return [str(value)] if isinstance(value, str) else []


def fills(names, attributes):
    """The ways in which missing names are given something."""
    entry = lambda number: {name: f"{name}{number}" for name in attributes}
    facts = {name: FACTS.get(name.removeprefix("ansible_"), name) for name in names if name.startswith("ansible_")}
    facts["ansible_facts"] = FACTS
    others = sorted(names - set(facts))
    return {"bare": facts, "texts": {**{name: f"text of {name}" for name in others}, **facts},
            "lists": {**{name: [f"{name}1", f"{name}2"] for name in others}, **facts},
            "maps": {**{name: entry("") for name in others}, **facts},
            "rows": {**{name: [entry(1), entry(2)] for name in others}, **facts},
            "numbers": {**{name: 2 for name in others}, **facts}}


def role_of(template):
    """The directory that holds `templates`, by which a template belongs to a role."""
    parents = list(template.parents)
    return next((parent.parent for parent in parents if parent.name == "templates"), template.parent)


def written(role, loader):
    """The variables that a role brings."""
    given = {}
    for main in [role / part / name for part in ("defaults", "vars") for name in ("main.yml", "main.yaml", "main")]:
        if not main.exists():
            continue
        for source in sorted(main.rglob("*.y*ml")) if main.is_dir() else [main]:
            try:
                given |= loader.load_from_file(str(source), trusted_as_template=True) or {}
            except Exception:
                pass
    return given


def unstable(text, given):
    """Whether it, or a variable that it reads, is something that no two runs share."""
    seen, waiting = set(), [text]
    while waiting:
        one = waiting.pop()
        if UNSTABLE.search(one):
            return True
        for name in (set(re.findall(r"\b[a-z_]\w*", one)) & set(given)) - seen:
            seen.add(name)
            waiting.extend(strings(given[name]))
    return False


def both(options, loader, file, role, work):
    """What each way of filling yields: its name, theirs, ours. `work` has a copy of the role."""
    given = written(role, loader)
    needed, attributes = asked([file.read_text(errors="replace"), *strings(given)])
    # A variable that nothing here reads need not be there.
    ways = fills(needed - set(given), attributes)
    theirs, plays = {}, []
    for way, fill in ways.items():
        hosts = {name: ["localhost"] for name in ("play_hosts", "ansible_play_hosts", "ansible_play_hosts_all", "ansible_play_batch")}
        variables = {**given, **trusted(fill), **hosts, "inventory_hostname": "localhost", "inventory_hostname_short": "localhost",
                     "ansible_check_mode": False, "ansible_play_name": "it", "role_path": str(role), "role_name": "it",
                     "ansible_role_name": "it", "ansible_search_path": [str(role)], "playbook_dir": str(role),
                     "groups": {"all": ["localhost"], "ungrouped": ["localhost"]}, "group_names": ["ungrouped"]}
        variables["hostvars"] = {"localhost": dict(variables)}
        theirs[way] = by_jinja(loader, variables, ["{{ lookup('template', '" + str(file) + "') }}"])
        tasks = work / f"roles/it/tasks/{way}.yml"
        tasks.parent.mkdir(exist_ok=True)
        tasks.write_text(json.dumps([asking(way, ["{{ lookup('template', '" + f"{work}/roles/it/{file.relative_to(role)}" + "') }}"])]))
        plays.append({"name": "it", "hosts": "all", "gather_facts": False, "vars": fill,
                      "tasks": [{"name": "its", "import_role": {"name": "it", "tasks_from": way}}]})
    ours, said = by_muster(options.muster, work, plays)
    for way, play in zip(ways, plays):
        mine = ours.get(way)
        if mine is None:
            # The run ended before it came to this one, or never began.
            alone, said = by_muster(options.muster, work, [play])
            mine = alone.get(way, (False, said))
        if mine[0]:
            mine = (True, json.loads(json.dumps(mine[1]).replace(str(work / "roles/it"), str(role)).replace(str(work), str(role))))
        yield way, theirs[way], mine


def corpus(options, loader):
    files = sorted({file.resolve() for directory in options.corpus for file in directory.rglob("*.j2")})
    brought = {role: written(role, loader) for role in {role_of(file) for file in files}}
    kept = [file for file in files if not unstable(file.read_text(errors="replace"), brought[role_of(file)])]
    compared, failing, count, anchored = 0, 0, 0, 0
    left = ("tasks", "handlers", "meta", "molecule", "files", "library", "*_plugins")
    for role, members in itertools.groupby(sorted(kept, key=role_of), role_of):
        with tempfile.TemporaryDirectory() as work:
            work = pathlib.Path(work)
            shutil.copytree(role, work / "roles/it", symlinks=True, ignore_dangling_symlinks=True, ignore=shutil.ignore_patterns(*left))
            for file in members:
                for way, theirs, mine in both(options, loader, file, role, work):
                    compared += 1
                    failing += not theirs[0]
                    if same(theirs, mine):
                        continue
                    if theirs[0] and mine[0] and ANCHOR.search(str(theirs[1])):
                        anchored += 1
                        continue
                    count += 1
                    if count <= options.show:
                        tell(file, way, theirs, mine)
    print(f"{len(files)} templates, {len(files) - len(kept)} left out (time, chance, other programs), {compared} renderings, "
          f"{failing} fail with Jinja2, {count} differ; {anchored} more have YAML's anchors where Python wrote one object twice")
    return not count


def tell(file, way, theirs, mine):
    print(f"--- {file} ({way})")
    if theirs[0] and mine[0]:
        lines = zip(str(theirs[1][0]).splitlines() + [""], str(mine[1][0]).splitlines() + [""])
        theirs, mine = next(((a, b) for a, b in lines if a != b), (theirs, mine))
    print(f"    Jinja2: {str(theirs)[:400]}\n    muster: {str(mine)[:400]}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--muster", required=True)
    parser.add_argument("--expressions", type=int, default=1000)
    parser.add_argument("--corpus", type=pathlib.Path, nargs="*", default=[], help="directories with roles")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--show", type=int, default=40, help="how many differences are shown")
    options = parser.parse_args()
    options.muster, options.corpus = os.path.abspath(options.muster), [path.resolve() for path in options.corpus]
    init_plugin_loader()
    loader = DataLoader()
    # Where relative paths begin for muster.
    os.chdir("/")
    good = expressions(options, loader)
    if options.corpus:
        # A password's file is made where it is run.
        os.chdir(tempfile.mkdtemp())
        good = corpus(options, loader) and good
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
