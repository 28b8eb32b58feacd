// One user who owns a thousand projects, and a superuser, without whom PocketBase would ask for one
// in a browser.
migrate((app) => {
  app.save(
    new Record(app.findCollectionByNameOrId("_superusers"), {
      email: "superuser@example.com",
      password: "correct horse battery",
    }),
  );
  const user = new Record(app.findCollectionByNameOrId("users"), {
    email: "root@example.com",
    name: "Root",
    password: "correct horse battery",
    verified: true,
  });
  app.save(user);

  const projects = app.findCollectionByNameOrId("projects");
  const members = app.findCollectionByNameOrId("members");
  for (let number = 0; number < 1000; number++) {
    const project = new Record(projects, {
      name: `Listed ${number}`,
      description: "Made by the benchmark.",
      visibility: "PRIVATE",
    });
    app.save(project);
    app.save(new Record(members, { project: project.id, user: user.id, role: "OWNER" }));
  }
});
