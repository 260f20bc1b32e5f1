//! The parameters that name a promoted image: in each region the channel's, and the one before it.

use super::promote::Promoting;
use super::way::Way;
use crate::cloud::{CloudError, by_names, publish_image};
use crate::failure::{Explain, Failure, Stage};
use crate::trust::image::ImageName;
use std::fmt;

/// What became of one region.
#[derive(Clone, Debug)]
pub struct Published {
    /// The parameter's name.
    pub parameter: String,
    /// What it names now.
    pub image: ImageName,
    /// What it named before, where that was another.
    pub previous: Option<String>,
    /// Whether anything was written.
    pub written: bool,
}

impl fmt::Display for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { parameter, image: ImageName { region, ami }, previous, written } = self;
        match (written, previous) {
            (false, _) => write!(f, "{region}: {parameter} names {ami} already"),
            (true, Some(previous)) => {
                write!(f, "{region}: {parameter} names {ami}; {previous} is kept as {parameter}-previous")
            }
            (true, None) => write!(f, "{region}: {parameter} names {ami}"),
        }
    }
}

/// Publishes each image in its region. A region that fails keeps no other from being written; the failure names both.
pub(super) fn publish(asked: &Promoting, way: &Way) -> Result<Vec<Published>, Failure> {
    let parameter = format!("{}/{}/{}", asked.prefix.trim_end_matches('/'), asked.name, asked.channel);
    let (mut published, mut failed): (Vec<Published>, Vec<(String, CloudError)>) = (Vec::new(), Vec::new());
    for image in &asked.images {
        let session = way.session(&image.region)?;
        let done = way.try_ask(async {
            let names = [parameter.clone(), format!("{parameter}-previous")];
            let has = by_names(&session, &names, way.deadline).await?;
            let mut values = has.into_iter().map(|found| found.map(|found| found.value.expose().clone()));
            let (current, kept) = (values.next().flatten(), values.next().flatten());
            if current.as_deref() == Some(&image.ami) {
                return Ok(Published {
                    parameter: parameter.clone(),
                    image: image.clone(),
                    previous: None,
                    written: false,
                });
            }
            let described = |what: &str| {
                format!("{what}, {} in channel {}; written by muster image promote", asked.name, asked.channel)
            };
            // The one before is kept first: a run that ends between the two writes is finished by the next one.
            if let Some(before) = current.as_deref().filter(|_| kept != current) {
                publish_image(&session, &names[1], before, &described("the image before"), way.deadline).await?;
            }
            publish_image(&session, &parameter, &image.ami, &described("the image"), way.deadline).await?;
            Ok(Published { parameter: parameter.clone(), image: image.clone(), previous: current, written: true })
        });
        match done {
            Ok(done) => published.push(done),
            Err(error) => failed.push((image.region.clone(), error)),
        }
    }
    let Some((_, first)) = failed.first() else { return Ok(published) };
    let hint = first.hint();
    let why: Vec<String> = failed.iter().map(|(region, error)| format!("{region}: {error}")).collect();
    let of = |written: bool| {
        let regions = published.iter().filter(|one| one.written == written).map(|one| one.image.region.as_str());
        Some(regions.collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty()).unwrap_or_else(|| "none".into())
    };
    let text = format!(
        "{parameter} is not published everywhere: {}; written: {}; as it should be before: {}",
        why.join("; "),
        of(true),
        of(false)
    );
    let failure = Failure::message(Stage::Promote, text);
    Err(failure
        .with_hint(hint.unwrap_or_else(|| "the same command again writes what is missing, and nothing else".into())))
}
