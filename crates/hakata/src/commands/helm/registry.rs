//! `hakata helm registry`

use clap::Subcommand;
use helm::repository::oci::{self, Access};

use super::flags::Global;
use super::output::{print, warn};
use super::terminal::{ask, ask_hidden};

/// Login to or logout from a registry
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// login to a registry
    Login(Login),
    /// logout from a registry
    Logout(Logout),
}

#[derive(clap::Args)]
struct Login {
    /// The registry
    host: String,
    /// registry username
    #[arg(long, short)]
    username: Option<String>,
    /// registry password or identity token
    #[arg(long, short)]
    password: Option<String>,
    /// read password or identity token from stdin
    #[arg(long)]
    password_stdin: bool,
    /// allow connections to TLS registry without certs
    #[arg(long)]
    insecure: bool,
    /// use insecure HTTP connections
    #[arg(long)]
    plain_http: bool,
    /// verify certificates of HTTPS-enabled servers using this CA bundle
    #[arg(long, default_value = "", hide_default_value = true)]
    ca_file: String,
    /// identify registry client using this SSL certificate file
    #[arg(long, default_value = "", hide_default_value = true)]
    cert_file: String,
    /// identify registry client using this SSL key file
    #[arg(long, default_value = "", hide_default_value = true)]
    key_file: String,
}

impl Login {
    /// The name and password; those that are not on the command line are asked for.
    fn credentials(&self) -> anyhow::Result<(String, String)> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        if self.password_stdin {
            let password = std::io::read_to_string(std::io::stdin())?.trim_end_matches(['\n', '\r']).to_owned();
            return Ok((given(&self.username).unwrap_or_default(), password));
        }
        if let Some(password) = given(&self.password) {
            warn("level=WARN msg=\"using --password via the CLI is insecure. Use --password-stdin\"");
            return Ok((given(&self.username).unwrap_or_default(), password));
        }
        let username = match given(&self.username) {
            Some(name) => name,
            None => ask("Username: ")?.trim().to_owned(),
        };
        let what = if username.is_empty() { "Token" } else { "Password" };
        match ask_hidden(&format!("{what}: "))? {
            password if password.is_empty() => anyhow::bail!("{} required", what.to_lowercase()),
            password => Ok((username, password)),
        }
    }

    fn access(&self) -> Access {
        Access {
            plain_http: self.plain_http,
            insecure: self.insecure,
            credentials: None,
            ca_file: self.ca_file.clone(),
            cert_file: self.cert_file.clone(),
            key_file: self.key_file.clone(),
        }
    }
}

#[derive(clap::Args)]
struct Logout {
    /// The registry
    host: String,
}

pub(crate) fn run(global: &Global, args: &Args) -> anyhow::Result<()> {
    let places = global.places();
    match &args.action {
        Action::Login(login) => {
            let (username, password) = login.credentials()?;
            if let Some((host, _)) = login.host.split_once('/') {
                let given = &login.host;
                warn(&format!(
                    "level=WARN msg=\"registry login currently only supports registry hostname, not a repository path\" host={given} suggested={host}"
                ));
            }
            oci::login(&places, &login.host, &username, &password, &login.access())?;
            print("Login Succeeded\n")
        }
        Action::Logout(logout) => {
            oci::logout(&places, &logout.host)?;
            print(&format!("Removing login credentials for {}\n", logout.host))
        }
    }
}
