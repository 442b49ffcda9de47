//! Recorded conversations with a reference server, played against ours.
//!
//! `conversations.txt` lists the cases that answer whole; none of them may be lost. To list anew what passes, run
//! `HAKATA_UPDATE=1 cargo test -p cluster conversations`.
//! Deliberately absent: recording, and partial credit.

mod normal;
mod player;

use crate::world::World;
use object::Value;
use player::Player;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The cases that have to pass, one name a line.
const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conversations.txt");

#[tokio::test(flavor = "multi_thread")]
async fn conversations_that_passed_still_pass() {
    let Some(folder) = corpora("api") else { return };
    if std::env::var_os("HAKATA_UPDATE").is_some() {
        return update(&folder).await;
    }
    let listed = std::fs::read_to_string(LIST).unwrap();
    let names: Vec<&str> = listed.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).collect();
    assert!(!names.is_empty(), "{LIST} lists nothing");
    let failures = play(&folder, &names).await;
    let failed = failures.iter().fold(String::new(), |mut text, (name, why)| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{name}: {why}");
        text
    });
    assert!(failures.is_empty(), "{} of {} conversations no longer pass:\n{failed}", failures.len(), names.len());
}

/// Writes the list of what passes.
async fn update(folder: &Path) {
    let all = candidates(folder);
    let names: Vec<&str> = all.iter().map(String::as_str).collect();
    let failures = play(folder, &names).await;
    let mut text = String::from("# Recorded conversations that answer whole; see tests/it/conversations.rs.\n");
    for name in names.iter().filter(|name| !failures.iter().any(|(failed, _)| failed == *name)) {
        text.push_str(name);
        text.push('\n');
    }
    std::fs::write(LIST, text).unwrap();
    for (name, why) in &failures {
        println!("{name}: {why}");
    }
    assert!(failures.len() < names.len(), "nothing passes");
}

/// Plays cases one after another; those that differ, and where first. Some answers depend on how busy the machine is,
/// so a case that differs gets a second chance.
async fn play(folder: &Path, names: &[&str]) -> Vec<(String, String)> {
    // The reference had controllers, but neither a scheduler nor a metrics server; its own range of Services, and a user with a token.
    let tokens = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&tokens, "secret,admin,admin,system:masters\n").unwrap();
    let world = World::start_with(|config| {
        (config.scheduler, config.metrics) = (false, false);
        config.service_cidr = "10.96.0.0/16".parse().unwrap();
        config.token_auth_file = Some(tokens.path().to_owned());
    })
    .await;
    let player = Player::new(world.client_with_token("secret").await);
    let mut failures = Vec::new();
    for (number, name) in names.iter().enumerate() {
        let case = read(&folder.join(format!("{name}.json")));
        let Err(first) = player.play(&case, name, number).await else { continue };
        println!("{name} is played again, since {first}");
        if let Err(why) = player.play(&case, name, names.len() + number).await {
            failures.push(((*name).to_owned(), why));
        }
    }
    world.stop().await;
    failures
}

/// Every case, by its path without `.json`, sorted.
fn candidates(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for part in ["kinds-core", "kinds-rest", "machinery", "policy"] {
        for entry in std::fs::read_dir(folder.join(part)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                names.push(format!("{part}/{}", path.file_stem().unwrap().display()));
            }
        }
    }
    names.sort();
    names
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    serde_json::from_str(&text).unwrap()
}

/// A folder of the corpora, if they are on this machine.
pub(crate) fn corpora(name: &str) -> Option<PathBuf> {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora");
    let folder = std::env::var_os("HAKATA_CORPORA").map_or_else(|| PathBuf::from(beside), PathBuf::from).join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("SKIPPED: there is no {}; name the folder of the corpora with HAKATA_CORPORA", folder.display());
    None
}
