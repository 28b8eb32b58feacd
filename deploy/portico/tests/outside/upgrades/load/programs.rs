//! Programs, which call the services over gRPC.

use std::{collections::BTreeSet, sync::Arc};

use portico_proto::{
    auth::{GetMeRequest, LoginRequest, auth_service_client::AuthServiceClient},
    projects::{
        CreateProjectRequest, GetProjectRequest, ListProjectsRequest,
        projects_service_client::ProjectsServiceClient,
    },
    users::{GetUserRequest, users_service_client::UsersServiceClient},
};
use tonic::{Request, Response, Status, transport::Channel};

use super::{Made, Rounds};
use crate::{
    Rest,
    rest::{PASSWORD, account},
    upgrades::{balancer::Balancer, replicas::Replicas},
};

/// The services, over their replicas.
#[derive(Clone)]
pub(super) struct Services {
    users: Arc<Balancer<Channel>>,
    auth: Arc<Balancer<Channel>>,
    projects: Arc<Balancer<Channel>>,
}

impl Services {
    pub(super) fn of(site: &Replicas) -> Self {
        Self {
            users: Balancer::over(site.service("users")),
            auth: Balancer::over(site.service("auth")),
            projects: Balancer::over(site.service("projects")),
        }
    }
}

/// A program that acts for a person.
pub(super) struct CallingProgram {
    name: &'static str,
    rest: Rest,
    services: Services,
    rounds: Arc<Rounds>,
    projects: BTreeSet<String>,
}

impl CallingProgram {
    pub(super) fn new(
        name: &'static str,
        rest: Rest,
        services: Services,
        rounds: Arc<Rounds>,
    ) -> Self {
        Self {
            name,
            rest,
            services,
            rounds,
            projects: BTreeSet::new(),
        }
    }

    pub(super) async fn work(mut self) -> Made {
        let mut round = 0;
        while self.rounds.next().await {
            round += 1;
            self.use_projects(round).await;
            self.use_accounts().await;
            if round % 4 == 0 {
                self.sign_in().await;
            }
        }
        Made {
            rest: self.rest,
            projects: self.projects,
        }
    }

    async fn use_projects(&mut self, round: u32) {
        let projects = || ProjectsServiceClient::new(self.services.projects.next());
        let message = CreateProjectRequest {
            name: format!("{} {round}", self.name),
            ..CreateProjectRequest::default()
        };
        let mut request = self.request(message);
        let key = format!("{}-{round}", self.name).parse().expect("a key");
        request.metadata_mut().insert("idempotency-key", key);
        let made = answered(projects().create_project(request).await);
        let message = GetProjectRequest {
            id: made.id.clone(),
        };
        let seen = answered(projects().get_project(self.request(message)).await);
        assert_eq!(seen, made);
        let message = ListProjectsRequest::default();
        answered(projects().list_projects(self.request(message)).await);
        self.projects.insert(made.id);
    }

    async fn use_accounts(&self) {
        let mut auth = AuthServiceClient::new(self.services.auth.next());
        let me = answered(auth.get_me(self.request(GetMeRequest {})).await);
        let mut users = UsersServiceClient::new(self.services.users.next());
        let message = GetUserRequest { id: me.id.clone() };
        let seen = answered(users.get_user(self.request(message)).await);
        assert_eq!(seen.id, me.id);
    }

    async fn sign_in(&mut self) {
        let email = account(self.name)["email"]
            .as_str()
            .expect("text")
            .to_owned();
        let request = Request::new(LoginRequest {
            email,
            password: PASSWORD.to_owned(),
            ..LoginRequest::default()
        });
        let mut auth = AuthServiceClient::new(self.services.auth.next());
        let token = answered(auth.login(request).await).token;
        self.rest = self.rest.with_token(&token.expect("a token"));
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let token = format!("Bearer {}", self.rest.token());
        let token = token.parse().expect("metadata");
        request.metadata_mut().insert("authorization", token);
        request
    }
}

/// No call fails.
fn answered<T>(answer: Result<Response<T>, Status>) -> T {
    match answer {
        Ok(response) => response.into_inner(),
        Err(status) => panic!("{status:?}"),
    }
}
