"""Values of ansible-core as those that JSON has, and back to ones whose texts are templates."""
from ansible.template import trust_as_template


def trusted(value):
    """The value with every text in it one that ansible-core evaluates."""
    if isinstance(value, dict):
        return {key: trusted(member) for key, member in value.items()}
    if isinstance(value, list):
        return [trusted(member) for member in value]
    return trust_as_template(value) if isinstance(value, str) else value


def number_or_text(value):
    """What stands for a value that holds no others, without ansible-core's tags."""
    if isinstance(value, (int, float)):
        return int(value) if isinstance(value, int) else float(value)
    return str(value)


def plain(value, leaf=number_or_text):
    """The value as JSON has it; `leaf` says what stands for one that holds no others."""
    if isinstance(value, dict):
        return {str(key): plain(member, leaf) for key, member in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(member, leaf) for member in value]
    return value if isinstance(value, bool) or value is None else leaf(value)
