//! Messages that gpg signed are recognised, ours are recognised by gpg, and nothing else is by anybody.

use std::process::Command;

use openpgp::{Error, Keyring, clear};

const PUBLIC: &str = include_str!("data/public.asc");
const TEXT: &str = include_str!("data/text.txt");
const SIGNED: [(&str, &str); 3] = [
    ("Rosa Rsa (for tests alone) <rosa@example.com>", include_str!("data/rosa.txt.asc")),
    ("Edda Twist <edda@example.com>", include_str!("data/edda.txt.asc")),
    ("Subi Key <subi@example.com>", include_str!("data/subi.txt.asc")),
];
const SECRETS: [(&str, &[u8]); 2] =
    [(include_str!("data/rosa.asc"), b""), (include_str!("data/edda.asc"), b"open sesame")];
/// Some time after all of them were made.
const NOW: u32 = 1_900_000_000;

fn keyring() -> Keyring {
    Keyring::read(PUBLIC.as_bytes()).expect("the keyring is good")
}

fn verified(text: &str) -> Result<String, Error> {
    let message = clear::decode(text)?;
    keyring().verify(&message, NOW).map(|entity| entity.identities().join(", "))
}

#[test]
fn what_gpg_signed_is_recognised() {
    for (who, text) in SIGNED {
        assert_eq!(verified(text).as_deref(), Ok(who));
        let message = clear::decode(text).unwrap();
        assert_eq!(message.text, TEXT.replace("  \n", "\n"), "the text comes out as it went in");
        assert_eq!(verified(&text.replace('\n', "\r\n")).as_deref(), Ok(who), "line ends do not count");
        assert_eq!(verified(&format!("before\n{text}after\n")).as_deref(), Ok(who));
    }
}

#[test]
fn what_was_changed_is_not() {
    for (who, text) in SIGNED {
        let changed = text.replacen("name: c", "name: d", 1);
        assert!(matches!(verified(&changed), Err(Error::Signature(_))), "{who}");
        assert!(verified(&text.replacen("\nname", "\nadded: x\nname", 1)).is_err(), "{who}");
        assert_eq!(verified(&text.replacen("Hash: SHA512", "Hash: SHA512\nComment: x", 1)), Err(Error::NoMessage));
    }
    let (first, second) = (SIGNED[0].1, SIGNED[1].1);
    let (at, other) =
        (first.find("-----BEGIN PGP SIGNATURE").unwrap(), second.find("-----BEGIN PGP SIGNATURE").unwrap());
    let swapped = format!("{}{}", first[..at].replacen("name: c", "name: d", 1), &second[other..]);
    assert!(verified(&swapped).is_err());
    assert_eq!(verified("nothing here"), Err(Error::NoMessage));
    for end in (0..first.len()).step_by(7) {
        // Whatever was cut off, it is no message any more.
        assert!(end > first.len() - 6 || verified(&first[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn unknown_signers_are_unknown() {
    let rosa = Keyring::read(SECRETS[0].0.as_bytes()).unwrap();
    let message = clear::decode(SIGNED[1].1).unwrap();
    assert_eq!(rosa.verify(&message, NOW).map(|_| ()), Err(Error::UnknownIssuer));
    assert_eq!(Keyring::default().verify(&message, NOW).map(|_| ()), Err(Error::UnknownIssuer));
}

#[test]
fn damaged_keyrings_are_refused_without_harm() {
    let lines: Vec<&str> = PUBLIC.lines().collect();
    for skipped in 2..lines.len() - 1 {
        let mut fewer = lines.clone();
        fewer.remove(skipped);
        // Without its checksum an armor is taken as it is.
        if let Ok(ring) = Keyring::read(fewer.join("\n").as_bytes()) {
            assert!(ring.entities().len() <= 3);
        }
    }
    for byte in 0..=255 {
        assert!(Keyring::read(&[byte, byte, byte]).map_or(true, |ring| ring.entities().is_empty()), "{byte}");
    }
}

#[test]
fn what_we_sign_is_recognised_by_us_and_by_gpg() {
    let home = std::env::temp_dir().join(format!("openpgp-test-{}", std::process::id()));
    let gpg = |args: &[&str]| {
        let mut command = Command::new("gpg");
        command.arg("--homedir").arg(&home).args(["--batch", "--no-autostart"]).args(args);
        command.output()
    };
    std::fs::create_dir_all(&home).unwrap();
    let public = home.join("public.asc");
    std::fs::write(&public, PUBLIC).unwrap();
    let there = gpg(&["--quiet", "--import", &public.to_string_lossy()]).is_ok_and(|done| done.status.success());
    if !there {
        eprintln!("SKIPPED in part: gpg is not here, so its opinion is not asked");
    }
    for (secret, passphrase) in SECRETS {
        let mut ring = Keyring::read(secret.as_bytes()).unwrap().entities().to_vec();
        let signer = &mut ring[0];
        assert!(signer.has_secret());
        if signer.is_locked() {
            assert_eq!(clear::sign(TEXT, signer, NOW), Err(Error::Passphrase));
            assert_eq!(signer.unlock(b"another"), Err(Error::Passphrase));
        }
        signer.unlock(passphrase).unwrap();
        let now = u32::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
        let text = clear::sign(TEXT, signer, now).unwrap();
        assert_eq!(verified(&text).as_deref(), Ok(signer.identities()[0].as_str()));
        if there {
            let file = home.join("text.asc");
            std::fs::write(&file, &text).unwrap();
            let done = gpg(&["--verify", &file.to_string_lossy()]).unwrap();
            let words = String::from_utf8_lossy(&done.stderr).into_owned();
            // A machine whose clock is before the keys' own is not the matter here.
            assert!(done.status.success() || words.contains("future"), "{words}");
        }
    }
    std::fs::remove_dir_all(&home).unwrap();
}
