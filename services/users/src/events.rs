//! What the events of this service are about.

use async_trait::async_trait;
use portico_chassis::{
    outbox::{Describe, Described, Record},
    status::Error,
};
use portico_proto::wkt::Any;

use crate::{convert, user::User};

/// Knows the people that events are about.
pub(crate) struct Events;

#[async_trait]
impl Describe for Events {
    async fn describe(&self, records: &[Record]) -> Result<Vec<Described>, Error> {
        let describe = |record: &Record| {
            let user: User = record.payload()?;
            let resource = Any::from_msg(&convert::user(&user)).map_err(Error::internal)?;
            Ok(Described {
                resource: Some(resource),
                project_id: None,
                user_ids: vec![user.id],
            })
        };
        records.iter().map(describe).collect()
    }
}
