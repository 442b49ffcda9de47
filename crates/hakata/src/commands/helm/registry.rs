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
            let username = match &login.username {
                Some(name) => name.clone(),
                None => ask("Username: ")?.trim().to_owned(),
            };
            let password = match &login.password {
                Some(password) => {
                    warn("level=WARN msg=\"using --password via the CLI is insecure. Use --password-stdin\"");
                    password.clone()
                }
                None if login.password_stdin => {
                    std::io::read_to_string(std::io::stdin())?.trim_end_matches(['\n', '\r']).to_owned()
                }
                None => ask_hidden("Password: ")?,
            };
            if password.is_empty() {
                anyhow::bail!("password required");
            }
            let access = Access { plain_http: login.plain_http, insecure: login.insecure, credentials: None };
            oci::login(&places, &login.host, &username, &password, &access)?;
            print("Login Succeeded\n")
        }
        Action::Logout(logout) => {
            oci::logout(&places, &logout.host)?;
            print(&format!("Removing login credentials for {}\n", logout.host))
        }
    }
}
