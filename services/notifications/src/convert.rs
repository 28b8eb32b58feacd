//! Domain to protobuf and back.

use portico_chassis::{clock::Timestamp, page::PageInfo};
use portico_proto::{
    auth::mint_link_request::Purpose as Asked,
    notifications as proto, pagination,
    projects::{Invitation, member},
};

use crate::{
    job::{Job, Status},
    mail::{InvitedAs, Mail, Purpose},
};

/// The mail about an invitation. An inviter who has left has no name.
pub(crate) fn invitation(invitation: &Invitation) -> Mail {
    let inviter = invitation.invited_by.as_ref();
    let name = inviter.map(|inviter| inviter.name.clone());
    Mail::Invitation {
        project: invitation.project_name.clone(),
        inviter: name.filter(|name| !name.is_empty()),
        role: match invitation.role() {
            member::Role::Admin => InvitedAs::Admin,
            member::Role::Viewer => InvitedAs::Viewer,
            _ => InvitedAs::Member,
        },
        expires_at: invited_until(invitation),
    }
}

/// Until when an invitation can be accepted.
pub(crate) fn invited_until(invitation: &Invitation) -> Timestamp {
    invitation
        .expires_at
        .map(Timestamp::from)
        .unwrap_or_default()
}

pub(crate) fn purpose(purpose: Purpose) -> Asked {
    match purpose {
        Purpose::VerifyEmail => Asked::VerifyEmail,
        Purpose::ConfirmEmail => Asked::ConfirmEmail,
        Purpose::UndoEmailChange => Asked::UndoEmailChange,
        Purpose::ResetPassword => Asked::ResetPassword,
        Purpose::SetPassword => Asked::SetPassword,
    }
}

pub(crate) fn job(job: &Job) -> proto::MailJob {
    proto::MailJob {
        id: job.id.to_string(),
        template: job.template.clone(),
        to: job.to.clone(),
        status: match job.status {
            Status::Queued => proto::mail_job::Status::Queued,
            Status::Running => proto::mail_job::Status::Running,
            Status::Sent => proto::mail_job::Status::Sent,
            Status::Failed => proto::mail_job::Status::Failed,
            Status::Dead => proto::mail_job::Status::Dead,
        }
        .into(),
        attempts: i32::try_from(job.attempts).unwrap_or(i32::MAX),
        last_error: job.last_error.clone(),
        created_at: Some(job.created_at.into()),
        next_attempt_at: job.next_attempt_at.map(Into::into),
    }
}

/// A status; `None` for the unspecified one, which validation has refused.
pub(crate) fn status(value: i32) -> Option<Status> {
    match proto::mail_job::Status::try_from(value) {
        Ok(proto::mail_job::Status::Queued) => Some(Status::Queued),
        Ok(proto::mail_job::Status::Running) => Some(Status::Running),
        Ok(proto::mail_job::Status::Sent) => Some(Status::Sent),
        Ok(proto::mail_job::Status::Failed) => Some(Status::Failed),
        Ok(proto::mail_job::Status::Dead) => Some(Status::Dead),
        _ => None,
    }
}

pub(crate) fn page_info(info: PageInfo) -> pagination::PageInfo {
    let number = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    pagination::PageInfo {
        total: number(info.total),
        page: info.page.map(number),
        limit: number(info.limit),
        total_pages: info.total_pages.map(number),
        has_more: info.has_more,
        next_cursor: info.next_cursor,
        total_capped: info.total_capped,
    }
}
