//! The RPCs: convert, one call to the store. They are for administrators, which
//! the guard has seen to.

use std::sync::Arc;

use portico_chassis::{
    clock::{Clock, parse_id},
    page::{Bookmark, Paging, SortKey},
    status::Violations,
};
use portico_proto::{
    Validate,
    notifications::{self as proto, notifications_service_server::NotificationsService},
};
use tokio::sync::Notify;
use tonic::{Request, Response, Status as Failure};

use crate::{
    convert, error,
    job::Job,
    store::{Filter, Store},
};

pub(crate) struct Service {
    pub(crate) store: Arc<dyn Store>,
    /// To be rung when a mail became due.
    pub(crate) bell: Arc<Notify>,
    pub(crate) clock: Clock,
}

/// The violations of the contract's own rules.
fn check(request: &impl Validate) -> Violations {
    Violations::collect(|report| request.validate(report))
}

#[tonic::async_trait]
impl NotificationsService for Service {
    async fn list_mail_jobs(
        &self,
        request: Request<proto::ListMailJobsRequest>,
    ) -> Result<Response<proto::ListMailJobsResponse>, Failure> {
        let request = request.into_inner();
        let mut violations = check(&request);
        let filter = Filter {
            status: request.status.and_then(convert::status),
        };
        let paging = Paging::parse(
            &mut violations,
            request.page,
            request.limit,
            request.cursor.as_deref(),
            &filter,
        );
        paging.check_place(&mut violations, false);
        violations.finish()?;
        let page = self.store.list(&filter, &paging).await?;
        let info = page.info(&paging, bookmark);
        Ok(Response::new(proto::ListMailJobsResponse {
            mail_jobs: page.items.iter().map(convert::job).collect(),
            page_info: Some(convert::page_info(info)),
        }))
    }

    async fn retry_mail_job(
        &self,
        request: Request<proto::RetryMailJobRequest>,
    ) -> Result<Response<proto::MailJob>, Failure> {
        let id = parse_id(&request.get_ref().id).ok_or_else(error::not_found)?;
        let job = self.store.retry(id, self.clock.now()).await?;
        self.bell.notify_one();
        Ok(Response::new(convert::job(&job)))
    }
}

/// The place of a job in a list.
fn bookmark(job: &Job) -> Bookmark {
    Bookmark {
        key: SortKey::Time(job.created_at),
        id: job.id,
    }
}
