//! What holds when several people act at once.

use futures::future::join_all;

use super::*;

cases! {
    one_key_used_at_once_makes_one_project,
    one_slug_wanted_at_once_goes_to_one_project,
    two_owners_who_demote_each_other_at_once_leave_one,
    owners_who_leave_at_once_leave_one,
    last_owners_released_at_once_leave_one,
    an_owner_demoted_and_released_at_once_goes_once,
    people_who_join_at_once_are_all_counted,
    one_person_added_at_once_joins_once,
}

/// How many members with this role a project has.
async fn count(fixture: &Fixture, project: &Project, by: &[Person], role: Role) -> usize {
    let mut count = 0;
    for person in by {
        count += usize::from(fixture.role(project, person).await == Some(role));
    }
    count
}

async fn one_key_used_at_once_makes_one_project(fixture: &Fixture) {
    let owner = person("Ada");
    let (key, at) = (key("k", "Engine"), origin(1));
    let projects: Vec<Project> = (0..8)
        .map(|_| project("Engine", Visibility::Private))
        .collect();
    let slugs = [slug("engine")];
    let attempts = projects.iter().map(|project| {
        let store = &fixture.store;
        store.create(project, &slugs, &owner, Some(&key), &at)
    });
    let answers = join_all(attempts).await;
    let answers: Vec<_> = answers
        .into_iter()
        .map(|made| made.expect("made"))
        .collect();
    let first = answers.iter().find(|made| !made.is_replayed());
    let first = first.expect("one is new").value();
    assert_eq!(answers.iter().filter(|made| made.is_replayed()).count(), 7);
    assert!(answers.iter().all(|made| made.value() == first));
    assert_eq!(
        fixture.database.event_kinds().await,
        ["project.created", "member.added"]
    );
}

async fn one_slug_wanted_at_once_goes_to_one_project(fixture: &Fixture) {
    let (owner, at) = (person("Ada"), origin(1));
    let projects: Vec<Project> = (0..8)
        .map(|_| project("Engine", Visibility::Private))
        .collect();
    let slugs = [slug("engine")];
    let attempts = projects
        .iter()
        .map(|project| fixture.store.create(project, &slugs, &owner, None, &at));
    let (made, refused): (Vec<_>, Vec<_>) = join_all(attempts)
        .await
        .into_iter()
        .partition(Result::is_ok);
    assert_eq!(made.len(), 1);
    for refusal in refused {
        assert_eq!(reason(refusal), "SLUG_EXISTS");
    }
}

async fn two_owners_who_demote_each_other_at_once_leave_one(fixture: &Fixture) {
    let ada = person("Ada");
    let made = fixture.project("Engine", &ada).await;
    let bob = fixture.member(&made, &ada, Role::Owner).await;
    let people = [ada, bob];
    let [ada, bob] = &people;
    for _ in 0..50 {
        let (of_ada, of_bob) = tokio::join!(
            fixture.change_role(&made, ada, bob, Role::Member),
            fixture.change_role(&made, bob, ada, Role::Member),
        );
        let refusal = match (of_ada, of_bob) {
            (Ok(_), Err(refusal)) | (Err(refusal), Ok(_)) => refusal,
            both => panic!("one demotes and one is refused, not {both:?}"),
        };
        // The second one is no owner any more.
        assert_eq!(refusal.reason, "FORBIDDEN");
        assert_eq!(count(fixture, &made, &people, Role::Owner).await, 1);
        let (owner, other) = match fixture.role(&made, ada).await {
            Some(Role::Owner) => (ada, bob),
            _ => (bob, ada),
        };
        let promoted = fixture.change_role(&made, owner, other, Role::Owner).await;
        promoted.expect("promoted");
    }
}

async fn owners_who_leave_at_once_leave_one(fixture: &Fixture) {
    for round in 0..10 {
        let ada = person("Ada");
        let made = fixture.project(&format!("Engine {round}"), &ada).await;
        let mut people = Vec::new();
        for _ in 0..5 {
            people.push(fixture.member(&made, &ada, Role::Owner).await);
        }
        people.push(ada);
        let leaving = people
            .iter()
            .map(|person| fixture.remove(&made, person, person));
        let refused: Vec<_> = join_all(leaving)
            .await
            .into_iter()
            .filter(Result::is_err)
            .collect();
        assert_eq!(refused.len(), 1);
        for refusal in refused {
            assert_eq!(reason(refusal), "LAST_OWNER");
        }
        assert_eq!(count(fixture, &made, &people, Role::Owner).await, 1);
    }
}

async fn last_owners_released_at_once_leave_one(fixture: &Fixture) {
    for round in 0..20 {
        let (ada, bob) = (person("Ada"), person("Bob"));
        // Made in this order by one and joined in the other by the other, so
        // that locks in the order of joining would wait for each other.
        let mut projects = Vec::new();
        for index in 0..4 {
            let name = format!("Engine {round} {index}");
            projects.push(fixture.project(&name, &ada).await);
        }
        for project in projects.iter().rev() {
            fixture.join(project, &ada, &bob, Role::Owner).await;
        }
        let at = origin(5);
        let (of_ada, of_bob) = tokio::join!(
            fixture.store.release(ada.id, None, &at),
            fixture.store.release(bob.id, None, &at),
        );
        let refusal = match (of_ada, of_bob) {
            (Ok(()), Err(refusal)) | (Err(refusal), Ok(())) => refusal,
            both => panic!("one goes and one stays, not {both:?}"),
        };
        assert_eq!(refusal.reason, "LAST_OWNER");
        let people = [ada, bob];
        for project in &projects {
            assert_eq!(count(fixture, project, &people, Role::Owner).await, 1);
        }
    }
}

async fn an_owner_demoted_and_released_at_once_goes_once(fixture: &Fixture) {
    for round in 0..20 {
        let (ada, bob) = (person("Ada"), person("Bob"));
        let made = fixture.project(&format!("Engine {round}"), &ada).await;
        fixture.join(&made, &ada, &bob, Role::Owner).await;
        let at = origin(5);
        let (left, released) = tokio::join!(
            fixture.remove(&made, &ada, &ada),
            fixture.store.release(bob.id, None, &at),
        );
        assert!(left.is_ok() != released.is_ok(), "{left:?} {released:?}");
        assert_eq!(count(fixture, &made, &[ada, bob], Role::Owner).await, 1);
    }
}

async fn people_who_join_at_once_are_all_counted(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let people: Vec<Person> = (0..16).map(|index| person(&format!("p{index}"))).collect();
    let joining = people
        .iter()
        .map(|person| fixture.join(&made, &owner, person, Role::Member));
    join_all(joining).await;
    assert_eq!(fixture.see(&made, &owner).await.project.member_count, 17);
}

async fn one_person_added_at_once_joins_once(fixture: &Fixture) {
    let (owner, bob, at) = (person("Ada"), person("Bob"), origin(2));
    let made = fixture.project("Engine", &owner).await;
    let attempts = (0..8).map(|_| {
        let store = &fixture.store;
        store.add_member(made.id, owner.id, Some(&bob), Role::Member, None, &at)
    });
    let answers = join_all(attempts).await;
    assert_eq!(answers.iter().filter(|added| added.is_ok()).count(), 1);
    for refusal in answers.into_iter().filter(Result::is_err) {
        assert_eq!(reason(refusal), "ALREADY_MEMBER");
    }
    assert_eq!(fixture.see(&made, &owner).await.project.member_count, 2);
}
