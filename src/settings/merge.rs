//! Documents over one another: mappings member by member, everything else whole, and null back to the default.

use super::node::{Content, Member, Node};

/// One document over another. What is set keeps the place where it was set.
pub(crate) fn over(base: Node, top: Node) -> Node {
    let Node { mark, content } = top;
    match (base.content, content) {
        (Content::Map(mut below), Content::Map(above)) => {
            for (key, member) in above {
                match below.shift_remove(&key) {
                    Some(old) => {
                        let value = over(old.value, member.value);
                        below.insert(key, Member { key: member.key, value });
                    }
                    None => {
                        below.insert(key, member);
                    }
                }
            }
            Node { mark: base.mark, content: Content::Map(below) }
        }
        (_, content) => Node { mark, content },
    }
}

/// Takes out members that are null, except among variables, where null is a value.
pub(crate) fn without_resets(mut node: Node) -> Node {
    if let Content::Map(members) = &mut node.content {
        let taken = std::mem::take(members);
        *members = taken
            .into_iter()
            .filter(|(_, member)| !matches!(member.value.content, Content::Null))
            .map(|(key, mut member)| {
                if key != "variables" {
                    member.value = without_resets(member.value);
                }
                (key, member)
            })
            .collect();
    }
    node
}
