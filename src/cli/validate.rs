//! `muster validate`: judges this machine or an image by a profile.

mod fix;

use super::config::SettingsArgs;
use super::print;
use crate::boot::{compliance_wanted, comply, profiles};
use crate::failure::{Failure, Stage};
use crate::host::Hasher;
use crate::host::{Digest, Linux, durable};
use crate::validate::mechanisms::TABLE;
use crate::validate::profile::{Shelf, is_file};
use crate::validate::reports::{FORMS, Form};
use crate::validate::{Control, Machine, Profile, Report, Subject, System, ValidateError, drift, validate, waivers};
use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The exit codes beside those of the stages.
pub(crate) const CODES: &[(u8, &str)] = &[
    (FAIL, "a control failed"),
    (UNSEEN, "no control failed, and one could not be looked at"),
    (EXPIRED, "nothing failed but what a waiver excused until it expired"),
    (DRIFT, "a control regressed since the report of `--against`"),
];
const FAIL: u8 = 30;
const UNSEEN: u8 = 31;
const EXPIRED: u8 = 32;
const DRIFT: u8 = 33;

/// Judge this machine, or an image, by a benchmark
///
/// Each control comes to pass, fail, not applicable or could not look, with what was read and where. Nothing is altered,
/// and of an image nothing is run.
#[derive(clap::Args)]
pub(crate) struct Validate {
    /// The profile: a name of `--list` (of `benchmarks/NAME.yaml` in the config repository, too), or a file that tailors one
    #[arg(long, value_name = "NAME|FILE", required_unless_present_any = ["list", "mechanisms"])]
    profile: Option<String>,
    /// Judge the image below this directory, from its files alone
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,
    /// Judge only these controls
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    only: Vec<String>,
    /// What is printed
    #[arg(long, value_name = "FORM", default_value = "text", value_parser = form)]
    format: Form,
    /// Also write a report, as `json=report.json`; may stand several times
    #[arg(long, value_name = "FORM=FILE", value_parser = output)]
    output: Vec<(Form, PathBuf)>,
    /// Controls that are excused: a list of {control, owner, reason, scope, expires}
    #[arg(long, value_name = "FILE")]
    waivers: Option<PathBuf>,
    /// Say what became of each control since this report, written by `--output json=FILE`
    #[arg(long, value_name = "REPORT")]
    against: Option<PathBuf>,
    /// Converge the parts of the role hardening that bring failed controls about, and judge again, until nothing changes
    ///
    /// The roles are the config repository's, or those of --tree. Controls that a waiver excuses are left as they are.
    #[arg(long, conflicts_with_all = ["against", "explain", "list", "mechanisms"])]
    fix: bool,
    #[command(flatten)]
    roles: fix::Roles,
    /// Tell Systems Manager's Compliance about this instance, under a custom type: muster_PROFILE, unless one is named.
    /// Where settings have `compliance`, it is told of each whole profile anyway
    #[arg(long, value_name = "TYPE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    compliance: Option<String>,
    #[command(flatten)]
    settings: SettingsArgs,
    /// Say what a control reads, why it matters and which task fixes it
    #[arg(long, value_name = "ID")]
    explain: Option<String>,
    /// List the profiles
    #[arg(long)]
    list: bool,
    /// List the mechanisms that controls are made of, with their parameters
    #[arg(long)]
    mechanisms: bool,
}

fn form(name: &str) -> Result<Form, String> {
    let known = || FORMS.iter().map(|form| form.name).collect::<Vec<_>>().join(", ");
    FORMS.iter().find(|form| form.name == name).copied().ok_or_else(|| format!("there are {}", known()))
}

fn output(text: &str) -> Result<(Form, PathBuf), String> {
    let (name, file) = text.split_once('=').ok_or("expected FORM=FILE, as json=report.json")?;
    Ok((form(name)?, file.into()))
}

fn refused(error: ValidateError) -> Failure {
    Failure::new(Stage::Validate, error)
}

impl Validate {
    /// Does what was asked.
    pub(crate) fn run(self) -> Result<u8, Failure> {
        if self.mechanisms {
            print(&mechanisms());
            return Ok(0);
        }
        let Some(name) = self.profile.as_deref().filter(|_| !self.list) else {
            for (name, title) in self.shelf(None)?.list().map_err(refused)? {
                print(&format!("{name:<20} {title}\n"));
            }
            return Ok(0);
        };
        let mut profile = self.shelf(Some(name))?.load(name).map_err(refused)?;
        if let Some(id) = &self.explain {
            print(&explain(named(&profile, id)?));
            return Ok(0);
        }
        for id in &self.only {
            named(&profile, id)?;
        }
        profile.controls.retain(|control| self.only.is_empty() || self.only.contains(&control.id));
        let excused = self.waivers.as_deref().map(waivers::read).transpose().map_err(refused)?.unwrap_or_default();
        let before = self.against.as_deref().map(drift::read).transpose().map_err(refused)?;
        let judge = || {
            let mut report = self.judge(&profile)?;
            report.partial = !self.only.is_empty();
            let today = report.started.to_zoned(jiff::tz::TimeZone::UTC).date();
            let warnings = waivers::apply(&mut report, &excused, today);
            Ok((report, warnings))
        };
        let (mut report, mut warnings) = judge()?;
        if self.fix {
            (report, warnings) = self.roles.fix((report, warnings), &self.settings, &judge)?;
        }
        for warning in warnings {
            super::warn(&format!("warning: {warning}\n"));
        }
        report.drift = before.map(|before| drift::compare(&report, &before)).transpose().map_err(refused)?;
        for (form, file) in &self.output {
            let written = durable::write(file, (form.write)(&report).as_bytes(), 0o644);
            written.map_err(|error| Failure::message(Stage::State, format!("write {}: {error}", file.display())))?;
        }
        print(&(self.format.write)(&report));
        if let Some(kind) = self.compliance(&report)? {
            super::warn(&format!("{}\n", comply(&report, &kind, &self.settings.sources(Path::new("/"))?)?));
        }
        Ok(code(&report))
    }

    /// Profiles by name. The config repository is looked at only for what muster does not bring itself.
    fn shelf(&self, name: Option<&str>) -> Result<Shelf, Failure> {
        let shelf = Shelf::embedded().map_err(refused)?;
        if name.is_some_and(|name| shelf.brings(name)) {
            return Ok(shelf);
        }
        let root = Path::new("/");
        match self.settings.sources(root).and_then(|sources| profiles(&sources, root, None)) {
            Ok(own) => Ok(shelf.with(own)),
            // A file, and a list, need no repository; whatever is wrong with it, other commands tell.
            Err(_) if name.is_none_or(is_file) => Ok(shelf),
            Err(failure) => {
                super::warn(&format!("warning: profiles of the config repository: {}\n", failure.reason()));
                Ok(shelf)
            }
        }
    }

    /// The type under which Compliance is told. Unasked, single controls are not: they would replace the whole.
    fn compliance(&self, report: &Report) -> Result<Option<String>, Failure> {
        if self.compliance.is_some() || report.partial || !report.subject.running {
            return Ok(self.compliance.clone());
        }
        let wanted = compliance_wanted(&self.settings.sources(Path::new("/"))?);
        Ok(wanted.unwrap_or_else(|failure| {
            super::warn(&format!(
                "warning: whether settings want Compliance told is not known: {}\n",
                failure.reason()
            ));
            None
        }))
    }

    fn judge(&self, profile: &Profile) -> Result<Report, Failure> {
        let unreadable = |source| refused(ValidateError::Read { path: self.root.clone(), source });
        let root = self.root.canonicalize().map_err(unreadable)?;
        let host = Linux::new(&root).map_err(unreadable)?;
        let system = System::of(&host, &root).map_err(refused)?;
        system.fits(profile).map_err(refused)?;
        let running = root.parent().is_none();
        if !running && (self.fix || self.compliance.is_some()) {
            return Err(Failure::message(
                Stage::Usage,
                "--fix and --compliance are for the running system, not for --root",
            ));
        }
        let subject = Subject { root: root.display().to_string(), running, system };
        let machine = Machine::new(&host, running, profile.site.clone());
        Ok(Report { binary: own_digest(), ..validate(&machine, profile, subject) })
    }
}

/// SHA-256 of the program that judges; `None` where it cannot be read.
fn own_digest() -> Option<String> {
    let mut file = std::fs::File::open("/proc/self/exe").ok()?;
    let (mut hash, mut buffer) = (Hasher::new(Digest::Sha256), vec![0; 256 << 10]);
    loop {
        match file.read(&mut buffer).ok()? {
            0 => return Some(hash.finish()),
            count => hash.update(&buffer[..count]),
        }
    }
}

/// A regression is told before all else: who asks for drift asks what changed.
fn code(report: &Report) -> u8 {
    let counts = &report.summary;
    match report.drift.as_ref().is_some_and(|drift| !drift.regressed.is_empty()) {
        true => DRIFT,
        false if counts.fail + counts.could_not_look == 0 => 0,
        false if counts.fail + counts.could_not_look == counts.expired => EXPIRED,
        false if counts.fail == 0 => UNSEEN,
        false => FAIL,
    }
}

fn named<'a>(profile: &'a Profile, id: &str) -> Result<&'a Control, Failure> {
    profile.controls.iter().find(|control| control.id == id).ok_or_else(|| {
        let known = profile.controls.iter().map(|control| control.id.clone()).collect();
        refused(ValidateError::Unknown { what: "control", name: id.to_owned(), known })
    })
}

fn explain(control: &Control) -> String {
    let mut text = format!("{} {} (level {}, {})\n", control.id, control.title, control.level, control.area);
    if let Some(why) = &control.why {
        let _ = write!(text, "\n{}\n", why.trim_end());
    }
    text.push_str("\nExpects\n");
    for leaf in control.check.leaves() {
        let _ = writeln!(text, "  {}", leaf.expects());
    }
    let mut reads: Vec<String> = control.check.leaves().iter().flat_map(|leaf| leaf.reads()).collect();
    reads.sort();
    reads.dedup();
    text.push_str("\nReads\n");
    reads.iter().for_each(|place| text.push_str(&format!("  {place}\n")));
    if let Some(reason) = &control.otherwise {
        let _ = write!(text, "\nDoes not apply where {reason}\n");
    }
    for fix in &control.fixed_by {
        let _ = write!(text, "\nFixed by the task `{}` of the role hardening; variable {}\n", fix.task, fix.variable);
    }
    if let Some(reason) = &control.by_hand {
        let _ = write!(text, "\nNo task fixes it: {reason}\n");
    }
    text
}

fn mechanisms() -> String {
    let mut text = String::new();
    for row in TABLE {
        let _ = writeln!(text, "{}\n  {}\n  {}: {}", row.name, row.summary, row.name, row.example);
        let schema = (row.schema)();
        let parameters = schema.as_value().get("properties").and_then(serde_json::Value::as_object);
        for (name, parameter) in parameters.into_iter().flatten() {
            let summary = parameter.get("description").and_then(serde_json::Value::as_str).unwrap_or_default();
            let _ = writeln!(text, "    {name}: {}", summary.lines().collect::<Vec<_>>().join(" "));
        }
        text.push('\n');
    }
    text
}
