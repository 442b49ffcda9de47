//! Private keys and certificates.

mod build;
mod key;

use std::rc::Rc;

use crate::func::Ty::{Int, List, Object, Str as Text};
use crate::func::{Args, Function, Outcome, Ty};
use crate::value::{Struct, Value};
use crate::{Failure, Scope, functions};
use build::{Request, Signer};
use key::PrivateKey;

const CERTIFICATE: Ty = Object("sprig.certificate");

pub(super) fn table() -> impl IntoIterator<Item = Function> {
    functions! {
        "genPrivateKey" (Text) Scoped private_key;
        "buildCustomCert" (Text, Text) Plain build_custom;
        "genCA" (Text, Int) Scoped |scope, args| authority(scope, args, None);
        "genCAWithKey" (Text, Int, Text) Scoped |scope, args| authority(scope, args, Some(&args.text(2)));
        "genSelfSignedCert" (Text, List, List, Int) Scoped |scope, args| self_signed(scope, args, None);
        "genSelfSignedCertWithKey" (Text, List, List, Int, Text) Scoped |scope, args| {
            self_signed(scope, args, Some(&args.text(4)))
        };
        "genSignedCert" (Text, List, List, Int, CERTIFICATE) Scoped |scope, args| signed(scope, args, None);
        "genSignedCertWithKey" (Text, List, List, Int, CERTIFICATE, Text) Scoped |scope, args| {
            signed(scope, args, Some(&args.text(5)))
        };
    }
}

fn certificate(cert: String, key: String) -> Value {
    Value::object(Struct {
        name: "sprig.certificate",
        fields: vec![("Cert", cert.into()), ("Key", key.into())],
        json_names: &[],
    })
}

fn private_key(scope: &mut Scope<'_>, args: &[Value]) -> Outcome {
    let kind = args.text(0);
    Ok(match &*kind {
        "" | "rsa" => PrivateKey::rsa(scope, 4096)?.pem(),
        "ecdsa" => PrivateKey::ecdsa()?.pem(),
        "ed25519" => PrivateKey::ed25519()?.pem(),
        "dsa" => "failed to generate private key: dsa keys are not made any more".to_owned(),
        kind => format!("Unknown type {kind}"),
    }
    .into())
}

fn build_custom(args: &[Value]) -> Outcome {
    let decode = |index: usize, what: &str| {
        super::encoding::decode64(&args.str(index))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .map_err(|_| Failure::new(format!("unable to decode base64 {what}")))
    };
    let (cert, key) = (decode(0, "certificate")?, decode(1, "private key")?);
    build::check_certificate(&cert)?;
    PrivateKey::parse(&key).map_err(|error| format!("error parsing private key: {error}"))?;
    Ok(certificate(cert, key))
}

/// The key that was given, or a new one.
fn given_or_new(scope: &Scope<'_>, pem: Option<&str>) -> Result<PrivateKey, Failure> {
    match pem {
        Some(pem) => PrivateKey::parse(pem).map_err(|error| Failure::new(format!("parsing private key: {error}"))),
        None => PrivateKey::rsa(scope, 2048),
    }
}

fn texts(value: &Value, what: &str) -> Result<Vec<String>, Failure> {
    let items = value.as_list().map(|list| list.items.clone()).unwrap_or_default();
    items
        .iter()
        .map(|item| match item {
            Value::Str(text) => Ok(text.text().into_owned()),
            other => Err(Failure::new(format!("{what}: {} is not a string", crate::format::any(other).text()))),
        })
        .collect()
}

fn request(args: &[Value]) -> Result<Request, Failure> {
    Ok(Request {
        name: args.text(0).into_owned(),
        addresses: texts(&args[1], "error parsing ip")?,
        hosts: texts(&args[2], "error processing alternate dns name")?,
        days: args.int(3),
        authority: false,
    })
}

fn authority(scope: &mut Scope<'_>, args: &[Value], pem: Option<&str>) -> Outcome {
    let key = given_or_new(scope, pem)?;
    let (addresses, hosts) = (Vec::new(), Vec::new());
    let request = Request { name: args.text(0).into_owned(), addresses, hosts, days: args.int(1), authority: true };
    let cert = build::build(scope, &request, &key, None)?;
    Ok(certificate(cert, key.pem()))
}

fn self_signed(scope: &mut Scope<'_>, args: &[Value], pem: Option<&str>) -> Outcome {
    let key = given_or_new(scope, pem)?;
    let cert = build::build(scope, &request(args)?, &key, None)?;
    Ok(certificate(cert, key.pem()))
}

fn signed(scope: &mut Scope<'_>, args: &[Value], pem: Option<&str>) -> Outcome {
    let key = given_or_new(scope, pem)?;
    let signer = signer(&args[4])?;
    let cert = build::build(scope, &request(args)?, &key, Some(&signer))?;
    Ok(certificate(cert, key.pem()))
}

fn signer(value: &Value) -> Result<Signer, Failure> {
    let Value::Object(object) = value else { return Err(Failure::new("unable to decode certificate")) };
    let object = Rc::clone(object);
    let field = |name: &str| {
        let fields = object.fields();
        let found = fields.into_iter().find(|(field, _)| *field == name);
        found.map_or(String::new(), |(_, value)| super::strval(&value).text().into_owned())
    };
    let key = PrivateKey::parse(&field("Key")).map_err(|error| format!("error parsing private key: {error}"))?;
    Signer::new(field("Cert"), key)
}
