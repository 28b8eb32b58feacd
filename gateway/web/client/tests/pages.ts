/** Every page, by the name that its picture has: with what `seed` leaves in them. */

export const pagesOutside = {
  login: "/login",
  register: "/register",
  "forgot-password": "/forgot-password",
  "reset-password": "/reset-password#token=plk_of-nobody",
  "set-password": "/set-password#token=plk_of-nobody",
  "verify-email": "/verify-email#token=plk_of-nobody",
  "confirm-email": "/confirm-email#token=plk_of-nobody",
  "undo-email-change": "/undo-email-change#token=plk_of-nobody",
  "not-found": "/nowhere",
};

export const pagesInside = {
  dashboard: "/dashboard",
  projects: "/projects",
  "projects-none-found": "/projects?q=nothing-is-called-so",
  "project-new": "/projects?new=1",
  project: "/projects/apollo-11",
  "project-members": "/projects/apollo-11/members",
  "project-settings": "/projects/apollo-11/settings",
  "project-missing": "/projects/nowhere-to-be-found",
  invitations: "/invitations",
  settings: "/settings",
  security: "/settings/security",
  "api-keys": "/settings/api-keys",
  "admin-users": "/admin/users",
  "admin-audit-log": "/admin/audit-log",
  "admin-mail-jobs": "/admin/mail-jobs",
};
