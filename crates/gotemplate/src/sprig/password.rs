//! `derivePassword`: the master password algorithm. The same input gives the same password, always.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::func::Ty::{Str as Text, Uint32};
use crate::func::{Args, Function, Outcome};
use crate::value::Value;
use crate::{Failure, functions};

const SEED: &[u8] = b"com.lyndir.masterpassword";

pub(super) fn table() -> impl IntoIterator<Item = Function> {
    functions! {
        "derivePassword" (Uint32, Text, Text, Text, Text) Plain derive;
    }
}

fn templates(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        "long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        "medium" => &["CvcnoCvc", "CvcCvcno"],
        "short" => &["Cvcn"],
        "basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        "pin" => &["nnnn"],
        _ => return None,
    })
}

fn characters(class: u8) -> &'static [u8] {
    match class {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// The seed, and each part with its length before it.
fn salted(part: &[u8]) -> Vec<u8> {
    let length = u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes();
    [SEED, &length, part].concat()
}

fn derive(args: &[Value]) -> Outcome {
    let (kind, password, user, site) = (args.text(1), args.str(2), args.str(3), args.str(4));
    let Some(templates) = templates(&kind) else { return Ok(format!("cannot find password template {kind}").into()) };
    let counter = u32::try_from(args.int(0)).unwrap_or(0);
    let params = scrypt::Params::new(15, 8, 2, 64).map_err(|error| Failure::new(error.to_string()))?;
    let mut key = [0; 64];
    scrypt::scrypt(password.as_bytes(), &salted(user.as_bytes()), &params, &mut key)
        .map_err(|error| Failure::new(error.to_string()))?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|error| Failure::new(error.to_string()))?;
    mac.update(&salted(site.as_bytes()));
    mac.update(&counter.to_be_bytes());
    let seed = mac.finalize().into_bytes();
    let template = templates[usize::from(seed[0]) % templates.len()];
    let letter = |(class, byte): (u8, &u8)| {
        let set = characters(class);
        char::from(set[usize::from(*byte) % set.len()])
    };
    Ok(template.bytes().zip(&seed[1..]).map(letter).collect::<String>().into())
}
