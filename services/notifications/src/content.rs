//! The words of each mail. One content is written out twice, as HTML and as
//! text, so that both say the same.

mod factors;

use portico_chassis::clock::Timestamp;

use crate::{
    mail::{InvitedAs, Mail},
    words::plain,
};

/// What a mail says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) subject: String,
    pub(crate) heading: String,
    pub(crate) paragraphs: Vec<String>,
    /// What is worth a look, by name.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// What the one button says.
    pub(crate) button: &'static str,
    /// What is said after the button, less loudly.
    pub(crate) notes: Vec<String>,
}

const FOR_A_DAY: &str = "The link works once, within 24 hours.";
const FOR_HALF_AN_HOUR: &str = "The link works once, within 30 minutes.";
const FOR_A_WEEK: &str = "The link works once, within 7 days.";

/// What a mail to this address says, from an installation at this host.
pub(crate) fn of(mail: &Mail, to: &str, host: &str) -> Content {
    match mail {
        Mail::Welcome { name } => Content {
            subject: "Welcome to Portico".to_owned(),
            heading: format!("Welcome, {}", plain(name)),
            paragraphs: vec![
                format!("Your account at {host} is ready."),
                format!("You sign in with this address, {to}."),
            ],
            facts: Vec::new(),
            button: "Open Portico",
            notes: vec![
                "You did not make an account? Then somebody gave your address, perhaps by mistake. \
                 You can ignore this mail."
                    .to_owned(),
            ],
        },
        Mail::Invitation {
            project,
            inviter,
            role,
            expires_at,
        } => {
            let project = plain(project);
            let inviter = inviter.as_deref().map_or("Somebody".to_owned(), plain);
            Content {
                subject: format!("{inviter} invites you to {project}"),
                heading: "You are invited to a project".to_owned(),
                paragraphs: vec![format!("{inviter} invites you to work on “{project}”.")],
                facts: vec![
                    ("Project", project),
                    ("Invited by", inviter),
                    ("Your role", role_name(*role).to_owned()),
                    ("Open until", moment(*expires_at)),
                ],
                button: "See the invitation",
                notes: vec![
                    format!(
                        "The invitation is for {to}. Sign in with this address, or make an account \
                         with it first."
                    ),
                    "You do not know who invites you? Then ignore this mail: without you, nothing \
                     happens."
                        .to_owned(),
                ],
            }
        }
        Mail::VerifyEmail { name, is_new, .. } => Content {
            subject: match is_new {
                true => "Welcome to Portico: confirm your e-mail address".to_owned(),
                false => "Confirm your e-mail address".to_owned(),
            },
            heading: match is_new {
                true => format!("Welcome, {}", plain(name)),
                false => "Confirm your e-mail address".to_owned(),
            },
            paragraphs: vec![
                match is_new {
                    true => format!("Your account at {host} is ready."),
                    false => greeting(name),
                },
                format!("Please confirm that {to} is your address."),
            ],
            facts: Vec::new(),
            button: "Confirm the address",
            notes: vec![
                FOR_A_DAY.to_owned(),
                "You did not make an account? Then ignore this mail, and the address stays \
                 unconfirmed."
                    .to_owned(),
            ],
        },
        Mail::ConfirmEmail { name, .. } => Content {
            subject: "Confirm your new e-mail address".to_owned(),
            heading: "Confirm your new e-mail address".to_owned(),
            paragraphs: vec![
                greeting(name),
                format!(
                    "You want to use {to} for your account at {host}. Please confirm that it is \
                     your address."
                ),
            ],
            facts: Vec::new(),
            button: "Confirm the new address",
            notes: vec![
                FOR_A_DAY.to_owned(),
                "You did not ask for this? Then ignore this mail, and nothing changes.".to_owned(),
            ],
        },
        Mail::UndoEmailChange {
            name, new_email, ..
        } => Content {
            subject: "Your e-mail address is being changed".to_owned(),
            heading: "Your e-mail address is being changed".to_owned(),
            paragraphs: vec![
                greeting(name),
                format!("Your account at {host} is to have another e-mail address than this one."),
                "If it was you, there is nothing to do. If it was not, undo the change at once, \
                 and choose a new password after that."
                    .to_owned(),
            ],
            facts: vec![("New address", plain(new_email))],
            button: "Undo the change",
            notes: vec!["The link works for 7 days.".to_owned()],
        },
        Mail::ResetPassword { name, .. } => Content {
            subject: "Choose a new password".to_owned(),
            heading: "Choose a new password".to_owned(),
            paragraphs: vec![
                greeting(name),
                format!("You asked for a new password for your account at {host}."),
            ],
            facts: Vec::new(),
            button: "Choose a new password",
            notes: vec![
                FOR_HALF_AN_HOUR.to_owned(),
                "You did not ask for this? Then ignore this mail, and your password stays as it is."
                    .to_owned(),
            ],
        },
        Mail::SetPassword { name, .. } => Content {
            subject: "Choose a password for your account".to_owned(),
            heading: "An account was made for you".to_owned(),
            paragraphs: vec![
                greeting(name),
                format!(
                    "An administrator of {host} made an account for you. Choose a password, and \
                     sign in with it and this address, {to}."
                ),
            ],
            facts: Vec::new(),
            button: "Choose a password",
            notes: vec![FOR_A_WEEK.to_owned()],
        },
        Mail::PasswordChanged { name, at } => Content {
            subject: "Your password was changed".to_owned(),
            heading: "Your password was changed".to_owned(),
            paragraphs: vec![
                greeting(name),
                format!("The password of your account at {host} was changed."),
                "If it was you, there is nothing to do. If it was not, somebody else has got into \
                 your account: ask for a new password at once."
                    .to_owned(),
            ],
            facts: vec![("Changed", moment(*at))],
            button: "Open Portico",
            notes: Vec::new(),
        },
        Mail::EmailTaken { name } => Content {
            subject: "You have an account already".to_owned(),
            heading: "You have an account already".to_owned(),
            paragraphs: vec![
                greeting(name),
                format!(
                    "Somebody gave your address, {to}, for an account at {host}. You have one \
                     already, and nothing was changed."
                ),
                "If it was you, sign in, or ask for a new password if you forgot yours.".to_owned(),
            ],
            facts: Vec::new(),
            button: "Open Portico",
            notes: vec!["If it was not you, you can ignore this mail.".to_owned()],
        },
        Mail::NewSignIn {
            name,
            at,
            ip,
            user_agent,
        } => Content {
            subject: "New sign-in to your account".to_owned(),
            heading: "New sign-in to your account".to_owned(),
            paragraphs: vec![
                greeting(name),
                format!(
                    "Somebody signed in to your account at {host} from a place that was not seen \
                     before."
                ),
                "If it was you, there is nothing to do. If it was not, change your password and \
                 end all other sessions."
                    .to_owned(),
            ],
            facts: [
                Some(("When", moment(*at))),
                ip.as_deref().map(|ip| ("Address", ip.to_owned())),
                user_agent.as_deref().map(|agent| ("Program", plain(agent))),
            ]
            .into_iter()
            .flatten()
            .collect(),
            button: "Open Portico",
            notes: Vec::new(),
        },
        Mail::FactorAdded { name, at, factor } => factors::added(name, *at, factor, host),
        Mail::FactorRemoved { name, at, factor } => factors::removed(name, *at, factor, host),
        Mail::RecoveryCodesRenewed { name, at } => factors::renewed(name, *at, host),
        Mail::RecoveryCodeUsed { name, at } => factors::used(name, *at, host),
        Mail::ApiKeyMade { name, at, key } => factors::key_made(name, *at, key, host),
        Mail::FactorsReset { name, at } => factors::reset(name, *at, host),
    }
}

fn greeting(name: &str) -> String {
    format!("Hello {},", plain(name))
}

fn role_name(role: InvitedAs) -> &'static str {
    match role {
        InvitedAs::Admin => "Admin",
        InvitedAs::Member => "Member",
        InvitedAs::Viewer => "Viewer",
    }
}

/// A moment for people anywhere: `25 November 2026 at 18:05 UTC`.
fn moment(at: Timestamp) -> String {
    let format = time::macros::format_description!(
        "[day padding:none] [month repr:long] [year] at [hour]:[minute] UTC"
    );
    time::OffsetDateTime::from_unix_timestamp(at.seconds())
        .ok()
        .and_then(|moment| moment.format(format).ok())
        .unwrap_or_default()
}
