//! Arbitrary templates and archives: whatever they are, they are taken or refused, in bounded time and memory.
//!
//! The short form of the fuzz targets `template` and `archive`, without their tools. `HAKATA_FUZZ_ROUNDS` makes it longer,
//! `HAKATA_SEED` repeats a run.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "these are tests, and so are their helpers")]

use std::io::Write as _;

use gotemplate::{Entries, Environment, Limits, Templates, Value};

const CASES: &str = include_str!("conformance/cases.txt");
/// Pieces that mutations put in.
const PIECES: [&str; 24] = [
    "{{",
    "}}",
    "{{-",
    "-}}",
    "{{ end }}",
    "{{ range 3 }}",
    "{{ with . }}",
    "{{ define \"t\" }}",
    "{{ template \"t\" . }}",
    "{{ if .a }}",
    "{{ else }}",
    "{{ break }}",
    "| toYaml",
    "| tpl",
    "(include \"t\" .)",
    "1e309",
    "-9223372036854775808",
    "9223372036854775807",
    "\"\\x\"",
    "`",
    "{{/*",
    "*/}}",
    "$x := ",
    "\u{0}é",
];

/// Dice that fall the same way for the same seed.
struct Dice(u64);

impl Dice {
    fn new(what: &str) -> Dice {
        let seed =
            std::env::var("HAKATA_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x9e37_79b9_7f4a_7c15);
        println!("{what}: HAKATA_SEED={seed}");
        Dice(seed)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

fn rounds() -> usize {
    std::env::var("HAKATA_FUZZ_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(3_000)
}

/// Cuts, doubles, mixes.
fn mutated(dice: &mut Dice, seeds: &[&str]) -> String {
    let mut text: Vec<char> = dice.pick(seeds).chars().collect();
    for _ in 0..=dice.below(4) {
        let (a, b) = (dice.below(text.len() + 1), dice.below(text.len() + 1));
        let (from, to) = (a.min(b), a.max(b));
        match dice.below(5) {
            0 => drop(text.drain(from..to.min(from + 20))),
            1 => drop(text.splice(from..from, dice.pick(&PIECES).chars())),
            2 => {
                let part = text[from..to].to_vec();
                text.splice(from..from, part);
            }
            3 => {
                let other: Vec<char> = dice.pick(seeds).chars().collect();
                text.splice(from..to, other);
            }
            _ => {
                let byte = u8::try_from(32 + dice.below(95)).unwrap();
                text.insert(from, char::from(byte));
            }
        }
    }
    text.into_iter().take(2_000).collect()
}

fn execute(text: &str) {
    let mut functions = helm::engine::functions();
    gotemplate::sprig::SLOW.iter().for_each(|name| functions.remove(name));
    let environment = Environment { now: Box::new(|| 0), random: Box::new(|bytes| bytes.fill(7)), resolve: None };
    let limits = Limits { depth: 50, steps: 20_000, output: 1 << 20 };
    let mut templates = Templates::new("gotpl", functions, environment).limits(limits);
    if templates.parse("t", text).is_err() {
        return;
    }
    let list = Value::list(vec![Value::Int(1), "b".into(), Value::Nil]);
    let values =
        Value::map(Entries::from([("s".into(), "text".into()), ("l".into(), list), ("i".into(), Value::Float(5.0))]));
    let top = Value::map(Entries::from([("Values".into(), values), ("a".into(), true.into())]));
    // Most fail: what counts is that they come to an end.
    let _ = templates.execute("t", top);
}

#[test]
fn templates_come_to_an_end() {
    let cases: Vec<&str> = CASES.split(">>> ").filter_map(|case| case.lines().next()).collect();
    let body = move || {
        let mut dice = Dice::new("templates");
        for round in 0..rounds() {
            let text = mutated(&mut dice, &cases);
            let done = std::panic::catch_unwind(|| execute(&text));
            assert!(done.is_ok(), "round {round} panics: {text:?}");
        }
    };
    // As much stack as rendering has.
    std::thread::Builder::new().stack_size(1 << 30).spawn(body).unwrap().join().unwrap();
}

/// An archive of these files, gzipped.
fn archive(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, data) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(u64::try_from(data.len()).unwrap());
        header.set_mode(0o644);
        // Names that the library would not write are written by hand.
        let bytes = name.as_bytes();
        let length = bytes.len().min(100);
        header.as_old_mut().name[..length].copy_from_slice(&bytes[..length]);
        header.set_cksum();
        tar.append(&header, data.as_slice()).unwrap();
    }
    zipped(&tar.into_inner().unwrap())
}

fn zipped(data: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(data).unwrap();
    gzip.finish().unwrap()
}

fn read(data: &[u8]) {
    if let Ok(files) = helm::chart::files_of_archive(data) {
        for file in files {
            let escapes =
                file.name.starts_with('/') || file.name.split('/').any(|part| part == ".." || part.is_empty());
            assert!(!escapes, "{:?} leaves the chart", file.name);
        }
    }
    let _ = helm::chart::read_archive(data);
}

#[test]
fn archives_are_read_or_refused_and_stay_in_their_folder() {
    const NAMES: [&str; 12] = [
        "c/Chart.yaml",
        "c/values.yaml",
        "c/templates/a.yaml",
        "c/charts/d/Chart.yaml",
        "../x",
        "/etc/passwd",
        "c/../../x",
        "c/./a//b",
        "C:/x",
        "c\\..\\x",
        "c/..",
        "",
    ];
    let mut dice = Dice::new("archives");
    for _ in 0..rounds() {
        let count = 1 + dice.below(5);
        let file = |dice: &mut Dice| {
            let text =
                if dice.below(2) == 0 { "apiVersion: v2\nname: c\nversion: 0.1.0\n" } else { "a: [1, {b: c}]\n" };
            ((*dice.pick(&NAMES)).to_owned(), text.as_bytes().to_vec())
        };
        let files: Vec<_> = (0..count).map(|_| file(&mut dice)).collect();
        let mut data = archive(&files);
        read(&data);
        for _ in 0..=dice.below(6) {
            let at = dice.below(data.len());
            data[at] = u8::try_from(dice.below(256)).unwrap();
        }
        data.truncate(1 + dice.below(data.len() * 2));
        read(&data);
    }
}

#[test]
fn what_grows_without_end_is_refused() {
    let zeros = vec![0_u8; 64 << 20];
    let bomb = archive(&[("c/values.yaml".to_owned(), zeros)]);
    assert!(bomb.len() < 1 << 20, "it is small where it comes from");
    let refused = helm::chart::files_of_archive(&bomb).unwrap_err().to_string();
    assert!(refused.contains("is larger than the maximum file size 5242880"), "{refused}");
    let many: Vec<_> = (0..30).map(|index| (format!("c/{index}"), vec![b'x'; 4 << 20])).collect();
    let refused = helm::chart::files_of_archive(&archive(&many)).unwrap_err().to_string();
    assert!(refused.contains("larger than the maximum size"), "{refused}");
}
