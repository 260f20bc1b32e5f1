//! Settings as written: the image's, user-data's and the command line's, merged, their keys judged, templates unrendered.

use super::error::SettingsError;
use super::keys::{Early, Settings};
use super::node::{Node, Origin};
use super::shown::Shown;
use super::sources::{Sources, mapping};
use super::{launch, merge, salvage, template, typed, user_data, validate};
use crate::failure::Place;

/// Settings as written.
#[derive(Clone)]
pub struct Written {
    baked: Node,
    launch: Option<Node>,
    flags: Node,
    merged: Node,
}

impl Written {
    pub(super) fn load(sources: &Sources) -> Result<Self, SettingsError> {
        let (baked, flags) = (sources.baked()?, sources.flags()?);
        let merged = baked.clone();
        let written = Self { baked, launch: None, flags, merged }.judged()?;
        match &sources.user_data {
            Some(bytes) => written.with_user_data(bytes),
            None => Ok(written),
        }
    }

    /// The settings as far as they are sound, where not all of them are.
    pub(super) fn salvage(sources: &Sources) -> Self {
        let judge = |root: &Node| {
            template::refuse_misplaced(root)?;
            typed::read::<Settings>(&merge::without_resets(root.clone()), true).map(drop)
        };
        let flags = sources.flags().unwrap_or_else(|_| super::yaml::empty(super::Layer::Flag));
        let (baked, flags) = (salvage::sound(salvage::documents(sources), judge), salvage::sound(flags, judge));
        let merged = merge::without_resets(merge::over(baked.clone(), flags.clone()));
        Self { baked, launch: None, flags, merged }
    }

    /// Judges one file alone, as `muster config check` does.
    pub fn of_text(name: &str, text: &str) -> Result<Self, SettingsError> {
        let source = super::node::Source { name: name.to_owned(), layer: super::Layer::Baked, text: text.to_owned() };
        let baked = mapping(super::yaml::parse(source)?)?;
        let flags = Sources::default().flags()?;
        Self { merged: baked.clone(), baked, launch: None, flags }.judged()
    }

    /// The same settings with those that user-data holds, which may only choose among what is allowed.
    pub fn with_user_data(mut self, bytes: &[u8]) -> Result<Self, SettingsError> {
        let Some(document) = user_data::document(bytes)? else { return Ok(self) };
        let document = mapping(document)?;
        let early = self.early()?;
        launch::judge(&document, &early.launch.allow, early.deadline)?;
        self.launch = Some(launch::add_roles(&self.baked, document));
        self.judged()
    }

    fn judged(mut self) -> Result<Self, SettingsError> {
        let mut merged = self.baked.clone();
        for document in self.launch.iter().chain([&self.flags]) {
            merged = merge::over(merged, document.clone());
        }
        self.merged = merge::without_resets(merged);
        template::refuse_misplaced(&self.merged)?;
        typed::read::<Settings>(&self.merged, true)?;
        Ok(self)
    }

    /// What is needed before the host knows who it is.
    pub fn early(&self) -> Result<Early, SettingsError> {
        // A draft is exact here, because these keys cannot be templates.
        typed::read::<Settings>(&self.merged, true).map(Early::from)
    }

    /// The settings, with the host's facts put into templates, validated. The facts are a mapping with `instance`,
    /// `placement` and `tags`.
    pub fn resolve(&self, facts: &serde_json::Value) -> Result<Settings, SettingsError> {
        let rendered = merge::without_resets(template::render(&self.merged, facts)?);
        let settings: Settings = typed::read(&rendered, false)?;
        launch::judge_rendered(&rendered, &settings.launch.allow)?;
        validate::validate(&settings, &rendered)?;
        Ok(settings)
    }

    /// The same without the values that are refused once they are known: for telling whoever waits.
    pub fn salvaged(&self, facts: &serde_json::Value) -> Settings {
        let with = |merged: &Node| Self { merged: merged.clone(), ..self.clone() }.resolve(facts);
        let merged = salvage::sound(self.merged.clone(), |merged| with(merged).map(drop));
        with(&merged).unwrap_or_default()
    }

    /// Whether facts are needed before every value is known.
    pub fn has_templates(&self) -> bool {
        template::any(&self.merged)
    }

    /// Who set the value at a dotted path, as `health[0].timeout`; `None` where it is the default.
    pub fn origin(&self, path: &str) -> Option<Origin> {
        self.merged.at(path).map(|node| node.mark.origin())
    }

    /// Where the value at a dotted path stands, as for a template in `variables`.
    pub fn place(&self, path: &str) -> Option<Place> {
        self.merged.at(path).map(|node| *node.mark.place())
    }

    /// Every value with who set it, secret-free: templates as written, or rendered where facts are given.
    pub fn show(&self, facts: Option<&serde_json::Value>) -> Result<Vec<Shown>, SettingsError> {
        let rendered = facts.map(|facts| template::render(&self.merged, facts)).transpose()?;
        Ok(super::shown::show(rendered.as_ref().unwrap_or(&self.merged)))
    }
}
