//! The RPCs about passwords, and about who signed in by them.

use portico_chassis::{
    caller::Call,
    clock::parse_id,
    page::{Bookmark, Paging, SortKey},
};
use portico_proto::auth::{self as proto, passwords_service_server::PasswordsService};
use tonic::{Request, Response, Status as Failure};

use super::{audit::check_depth, rules_of};
use crate::{accounts::Accounts, convert, error, history::SignIn, password, policy};

#[tonic::async_trait]
impl PasswordsService for Accounts {
    async fn estimate_strength(
        &self,
        request: Request<proto::EstimateStrengthRequest>,
    ) -> Result<Response<proto::EstimateStrengthResponse>, Failure> {
        let request = request.into_inner();
        rules_of(&request).finish()?;
        let estimated = match self.0.passwords.chosen(&request.password).await {
            Err((code, message)) => proto::EstimateStrengthResponse {
                score: 0,
                acceptable: false,
                code: Some(code.to_owned()),
                hint: Some(format!("The password {message}.")),
            },
            Ok(password) => {
                let personal = [request.email.as_deref(), request.name.as_deref()];
                let personal: Vec<&str> = personal.into_iter().flatten().collect();
                let strength = password::estimate(&password, &personal);
                proto::EstimateStrengthResponse {
                    score: strength.score.into(),
                    acceptable: true,
                    code: None,
                    hint: strength.hint.map(str::to_owned),
                }
            }
        };
        Ok(Response::new(estimated))
    }

    async fn list_sign_ins(
        &self,
        request: Request<proto::ListSignInsRequest>,
    ) -> Result<Response<proto::ListSignInsResponse>, Failure> {
        let call = Call::of(&request)?;
        let request = request.into_inner();
        let mut violations = rules_of(&request);
        let (page, limit) = (request.page, request.limit);
        let (cursor, scope) = (request.cursor.as_deref(), ("sign-ins", &request.id));
        let paging = Paging::parse(&mut violations, page, limit, cursor, &scope);
        paging.check_place(&mut violations, false);
        check_depth(&paging, &mut violations);
        violations.finish()?;
        let id = parse_id(&request.id).ok_or_else(error::user_not_found)?;
        policy::see_sign_ins(&call.caller, id)?;
        if !call.caller.is_person(id) && self.0.peers.person(&call, id).await?.is_none() {
            return Err(error::user_not_found().into());
        }
        let page = self.store().sign_ins(id, &paging).await?;
        let info = page.info(&paging, bookmark);
        Ok(Response::new(proto::ListSignInsResponse {
            sign_ins: page.items.iter().map(convert::sign_in).collect(),
            page_info: Some(convert::page_info(info)),
        }))
    }
}

/// The place of a sign-in in the list.
fn bookmark(sign_in: &SignIn) -> Bookmark {
    Bookmark {
        key: SortKey::Time(sign_in.at),
        id: sign_in.id,
    }
}
