//! `search hub`: charts of the Artifact Hub, or of another server that answers as Monocular does.

use value::Value;

use super::config::Entry;
use super::http::{block, get};
use crate::Error;

/// A chart that a hub knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chart {
    /// Its page.
    pub url: String,
    /// Its newest version.
    pub version: String,
    /// The version of what it installs.
    pub app_version: String,
    /// What it says of itself.
    pub description: String,
    /// Where its repository is.
    pub repository_url: String,
    /// How the hub calls that repository.
    pub repository_name: String,
}

/// Asks a hub for charts.
///
/// # Errors
/// Where the hub does not answer.
pub fn search(endpoint: &str, word: &str) -> Result<Vec<Chart>, Error> {
    let no_host = || Error::Repository(format!("unable to create connection to {endpoint:?}: no hostname provided"));
    let host = endpoint.split_once("://").map_or("", |(_, rest)| rest.split(['/', '?', '#', ':']).next().unwrap_or(""));
    if host.is_empty() {
        return Err(no_host());
    }
    let address = format!("{}/api/chartsvc/v1/charts/search?q={}", endpoint.trim_end_matches('/'), escaped(word));
    let unanswered = |_| Error::Repository(format!("unable to perform search against {endpoint:?}"));
    let answer = block(get(&address, &Entry::default())).map_err(unanswered)?;
    // A hub that answers with something else has found nothing.
    let answer: Value = serde_json::from_slice(&answer).unwrap_or_default();
    Ok(answer["data"].as_array().into_iter().flatten().map(|chart| read(endpoint, chart)).collect())
}

fn read(endpoint: &str, chart: &Value) -> Chart {
    let text = |pointer: &str| chart.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let page = text("/artifactHub/packageUrl");
    Chart {
        url: if page.is_empty() { format!("{endpoint}/charts/{}", text("/id")) } else { page },
        version: text("/relationships/latestChartVersion/data/version"),
        app_version: text("/relationships/latestChartVersion/data/app_version"),
        description: text("/attributes/description"),
        repository_url: text("/attributes/repo/url"),
        repository_name: text("/attributes/repo/name"),
    }
}

/// A text as it stands in a query.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let one = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        byte if plain(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(one).collect()
}
