//! What goes on within, for whoever looks for a fault: warnings on standard error, where the journal takes them.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// From here on warnings are printed: muster's own. Those of libraries may hold what they were given.
pub(super) fn begin() {
    let lines = tracing_subscriber::fmt::layer().without_time().with_ansi(false).with_writer(std::io::stderr);
    let own = Targets::new().with_target("muster", LevelFilter::WARN);
    // A second subscriber is a test's.
    let _ = tracing_subscriber::registry().with(own).with(lines).try_init();
}
