//! The functions of sprig, the library that charts lean on.
//!
//! `env` and `expandenv` are there and give nothing: templates do not see the environment of the process.

mod case;
mod cast;
mod certificate;
mod crypto;
mod dates;
mod decimal;
mod defaults;
mod dicts;
mod encoding;
mod lists;
mod merge;
mod numeric;
mod password;
mod paths;
mod reflection;
mod regexes;
mod strings;
mod url;

use crate::func::Functions;

pub(crate) use strings::MAX_TEXT;

pub use cast::{strval, to_float, to_int64};
pub use merge::merge_maps;
pub use regexes::compile as regex;

/// Functions that take their time by design: they make keys, and digests that are slow to guess.
pub const SLOW: [&str; 10] = [
    "genCA",
    "genCAWithKey",
    "genPrivateKey",
    "genSelfSignedCert",
    "genSelfSignedCertWithKey",
    "genSignedCert",
    "genSignedCertWithKey",
    "bcrypt",
    "htpasswd",
    "derivePassword",
];

/// Adds all of them.
pub(crate) fn add(functions: &mut Functions) {
    functions.extend(strings::table());
    functions.extend(case::table());
    functions.extend(numeric::table());
    functions.extend(defaults::table());
    functions.extend(dicts::table());
    functions.extend(lists::table());
    functions.extend(dates::table());
    functions.extend(encoding::table());
    functions.extend(paths::table());
    functions.extend(reflection::table());
    functions.extend(regexes::table());
    functions.extend(url::table());
    functions.extend(crypto::table());
    functions.extend(certificate::table());
    functions.extend(password::table());
}
