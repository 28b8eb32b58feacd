//! The answer to every call that signs in.

use portico_proto::auth as proto;
use tonic::Response;

use super::cookie::Delivery;
use crate::{accounts::Accounts, admission::Admission, convert};

impl Accounts {
    /// The answer to a call that signs in.
    pub(super) fn admitted(
        &self,
        admission: Admission,
        delivery: Delivery,
    ) -> Response<proto::LoginResponse> {
        let signed_in = match admission {
            Admission::SignedIn(signed_in) => signed_in,
            Admission::Challenged { token, methods } => {
                let methods = methods.into_iter().map(convert::method);
                return Response::new(proto::LoginResponse {
                    mfa_required: true,
                    mfa_token: Some(token),
                    methods: methods.map(Into::into).collect(),
                    ..Default::default()
                });
            }
        };
        let mut response = Response::new(proto::LoginResponse {
            user: Some(signed_in.user),
            token: Some(signed_in.token),
            expires_at: Some(signed_in.expires_at.into()),
            refresh_token: delivery.in_body(&signed_in.refresh_token),
            mfa_required: false,
            mfa_token: None,
            methods: Vec::new(),
        });
        delivery.write(&mut response, &signed_in.refresh_token, self.0.session_ttl);
        response
    }
}
