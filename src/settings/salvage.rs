//! Settings with a fault, as far as they are sound: enough to tell whoever waits that they are not.
//!
//! Nothing is done with what is left but reporting: no role is run by settings that are refused.

use super::error::SettingsError;
use super::merge;
use super::node::{Content, Layer, Node, Source};
use super::sources::{Sources, mapping, read};
use super::yaml;

/// More faults than these are not taken out one by one.
const MOST: usize = 64;

/// The image's documents that are YAML at all, one over the other. One that anyone may write stays refused.
pub(super) fn documents(sources: &Sources) -> Node {
    let files = sources.files().unwrap_or_else(|_| vec![sources.main()]);
    let readable = files.iter().filter_map(|path| {
        let text = read(path, false).ok()??;
        let source = Source { name: path.display().to_string(), layer: Layer::Baked, text };
        yaml::parse(source).and_then(mapping).ok()
    });
    readable.fold(yaml::empty(Layer::Baked), merge::over)
}

/// The document without what a judge refuses, the innermost refused value first; empty where that does not help.
pub(super) fn sound(mut root: Node, judge: impl Fn(&Node) -> Result<(), SettingsError>) -> Node {
    for _ in 0..MOST {
        let Err(error) = judge(&root) else { return root };
        let path = error.path().unwrap_or_default();
        let first = path.split(['.', '[']).next().unwrap_or_default();
        // A key that has dots in its name cannot be told from a path.
        if !take(&mut root, path) && !take(&mut root, first) {
            break;
        }
    }
    yaml::empty(Layer::Baked)
}

/// Takes the value at a path out; whether it was there.
fn take(root: &mut Node, path: &str) -> bool {
    let steps = path.split(['.', '[']).map(|step| step.trim_end_matches(']')).filter(|step| !step.is_empty());
    let mut steps: Vec<&str> = steps.collect();
    let Some(last) = steps.pop() else { return false };
    let holder = steps.into_iter().try_fold(root, |node, step| match &mut node.content {
        Content::List(items) => items.get_mut(step.parse::<usize>().ok()?),
        Content::Map(members) => members.get_mut(step).map(|member| &mut member.value),
        _ => None,
    });
    match holder.map(|node| &mut node.content) {
        Some(Content::Map(members)) => members.shift_remove(last).is_some(),
        Some(Content::List(items)) => match last.parse::<usize>() {
            Ok(index) if index < items.len() => {
                items.remove(index);
                true
            }
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests set the stage")]
mod tests {
    use super::super::{Written, salvage};
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    struct Image(tempfile::TempDir);

    impl Image {
        fn new(files: &[(&str, &str)]) -> Self {
            let root = tempfile::tempdir().expect("scratch");
            for (path, text) in files {
                let path = root.path().join("etc/muster").join(path);
                std::fs::create_dir_all(path.parent().expect("a directory")).expect("makes");
                std::fs::write(path, text).expect("writes");
            }
            Self(root)
        }

        fn sources(&self) -> Sources {
            Sources { root: self.0.path().to_owned(), ..Sources::default() }
        }

        fn salvaged(&self) -> Written {
            assert!(super::super::load(&self.sources()).is_err(), "there is a fault");
            salvage(&self.sources())
        }
    }

    fn stack(written: &Written) -> Option<String> {
        written.salvaged(&serde_json::json!({"tags": {}, "instance": {}})).signal.cloudformation.stack
    }

    const SIGNAL: &str = "signal: {cloudformation: {stack: web, resource: Group}}\n";

    #[test]
    fn a_wrong_key_hides_no_other() {
        for fault in [
            "rols: [web]\n",
            "roles: web\n",
            "deadline: '{{ tags.deadline }}'\n",
            "health: [{unit: a.service, timout: 1s}, {uniit: b}]\n",
        ] {
            let image = Image::new(&[("muster.yaml", &format!("{fault}{SIGNAL}network: {{region: eu-west-1}}\n"))]);
            let written = image.salvaged();
            assert_eq!(stack(&written).as_deref(), Some("web"), "{fault}");
            let early = written.early().expect("sound");
            assert_eq!(early.network.region.map(|region| region.to_string()).as_deref(), Some("eu-west-1"), "{fault}");
        }
    }

    #[test]
    fn a_wrong_value_takes_only_itself_along() {
        let text = "signal: {instance_helth: true, cloudformation: {stack: web, resource: Group, regoin: x}}\n";
        let image = Image::new(&[("muster.yaml", text)]);
        assert_eq!(stack(&image.salvaged()).as_deref(), Some("web"));
    }

    #[test]
    fn a_document_that_is_broken_hides_no_other() {
        let image = Image::new(&[("muster.yaml", SIGNAL), ("conf.d/10-web.yaml", "roles: [web\n")]);
        assert_eq!(stack(&image.salvaged()).as_deref(), Some("web"));
        let image = Image::new(&[("muster.yaml", SIGNAL), ("conf.d/10-web.yml", "roles: [web]\n")]);
        assert_eq!(stack(&image.salvaged()).as_deref(), Some("web"));
    }

    #[test]
    fn what_anyone_may_write_is_not_believed() {
        let image = Image::new(&[("muster.yaml", SIGNAL)]);
        let path = image.0.path().join("etc/muster/muster.yaml");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).expect("mode");
        assert_eq!(stack(&image.salvaged()), None);
    }

    #[test]
    fn a_template_that_fails_hides_no_other_value_and_sound_settings_stay_whole() {
        let text = format!("roles: [common, '{{{{ tags.rol }}}}']\n{SIGNAL}");
        let written = Written::of_text("muster.yaml", &text).expect("written well");
        let facts = serde_json::json!({"tags": {"role": "web"}, "instance": {}});
        written.resolve(&facts).expect_err("there is no such tag");
        let settings = written.salvaged(&facts);
        let roles: Vec<String> = settings.roles.iter().map(ToString::to_string).collect();
        assert_eq!((roles, settings.signal.cloudformation.stack.as_deref()), (vec!["common".into()], Some("web")));
        let written = Written::of_text("muster.yaml", &text.replace("rol }", "role }")).expect("written well");
        assert_eq!(written.salvaged(&facts).roles.len(), written.resolve(&facts).expect("sound").roles.len());
    }
}
