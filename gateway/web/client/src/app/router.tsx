import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { auditSearch, mailJobsSearch, usersSearch } from "@/pages/admin/search";
import { projectsSearch } from "@/pages/projects/search";
import { AuthLayout } from "./auth-layout";
import { PageError } from "./page-error";
import { placeWithin, signedIn, signedOut } from "./guards";
import { NotFound } from "./not-found";

/** Every address of the client, in this order: getting in, what one shares, oneself, administration. */

const root = createRootRoute({ notFoundComponent: NotFound });

const home = createRoute({
  getParentRoute: () => root,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/dashboard", replace: true });
  },
});

const entry = createRoute({
  getParentRoute: () => root,
  id: "entry",
  component: AuthLayout,
  validateSearch: (search: Record<string, unknown>): { redirect?: string | undefined } => ({
    redirect: placeWithin(search.redirect),
  }),
});
const login = createRoute({
  getParentRoute: () => entry,
  path: "/login",
  beforeLoad: signedOut,
  component: lazyRouteComponent(() => import("@/pages/auth/login"), "Login"),
});
const register = createRoute({
  getParentRoute: () => entry,
  path: "/register",
  beforeLoad: signedOut,
  component: lazyRouteComponent(() => import("@/pages/auth/register"), "Register"),
});
const forgotPassword = createRoute({
  getParentRoute: () => entry,
  path: "/forgot-password",
  component: lazyRouteComponent(() => import("@/pages/auth/forgot-password"), "ForgotPassword"),
});
const resetPassword = createRoute({
  getParentRoute: () => entry,
  path: "/reset-password",
  component: lazyRouteComponent(() => import("@/pages/auth/new-password"), "ResetPassword"),
});
const setPassword = createRoute({
  getParentRoute: () => entry,
  path: "/set-password",
  component: lazyRouteComponent(() => import("@/pages/auth/new-password"), "SetPassword"),
});
const verifyEmail = createRoute({
  getParentRoute: () => entry,
  path: "/verify-email",
  component: lazyRouteComponent(() => import("@/pages/auth/email-links"), "VerifyEmail"),
});
const confirmEmail = createRoute({
  getParentRoute: () => entry,
  path: "/confirm-email",
  component: lazyRouteComponent(() => import("@/pages/auth/email-links"), "ConfirmEmail"),
});
const undoEmailChange = createRoute({
  getParentRoute: () => entry,
  path: "/undo-email-change",
  component: lazyRouteComponent(() => import("@/pages/auth/email-links"), "UndoEmailChange"),
});

const app = createRoute({
  getParentRoute: () => root,
  id: "app",
  component: lazyRouteComponent(() => import("./app-layout"), "AppLayout"),
  beforeLoad: signedIn,
});
const dashboard = createRoute({
  getParentRoute: () => app,
  path: "/dashboard",
  component: lazyRouteComponent(() => import("@/pages/projects/dashboard"), "Dashboard"),
});
const projects = createRoute({
  getParentRoute: () => app,
  path: "/projects",
  validateSearch: projectsSearch,
  component: lazyRouteComponent(() => import("@/pages/projects/list"), "Projects"),
});
const project = createRoute({
  getParentRoute: () => app,
  path: "/projects/$slug",
  component: lazyRouteComponent(() => import("@/pages/projects/project"), "ProjectPage"),
});
const projectOverview = createRoute({
  getParentRoute: () => project,
  path: "/",
  component: lazyRouteComponent(() => import("@/pages/projects/overview"), "ProjectOverview"),
});
const projectMembers = createRoute({
  getParentRoute: () => project,
  path: "/members",
  component: lazyRouteComponent(() => import("@/pages/projects/members"), "ProjectMembers"),
});
const projectSettings = createRoute({
  getParentRoute: () => project,
  path: "/settings",
  component: lazyRouteComponent(() => import("@/pages/projects/settings"), "ProjectSettings"),
});
const invitations = createRoute({
  getParentRoute: () => app,
  path: "/invitations",
  component: lazyRouteComponent(() => import("@/pages/projects/invitations"), "Invitations"),
});

const settings = createRoute({
  getParentRoute: () => app,
  path: "/settings",
  component: lazyRouteComponent(() => import("@/pages/settings/settings"), "Settings"),
});
const profile = createRoute({
  getParentRoute: () => settings,
  path: "/",
  component: lazyRouteComponent(() => import("@/pages/settings/profile"), "Profile"),
});
const security = createRoute({
  getParentRoute: () => settings,
  path: "/security",
  component: lazyRouteComponent(() => import("@/pages/settings/security"), "Security"),
});
const apiKeys = createRoute({
  getParentRoute: () => settings,
  path: "/api-keys",
  component: lazyRouteComponent(() => import("@/pages/settings/api-keys"), "ApiKeys"),
});

const admin = createRoute({
  getParentRoute: () => app,
  path: "/admin",
  component: lazyRouteComponent(() => import("@/pages/admin/administration"), "Administration"),
});
const users = createRoute({
  getParentRoute: () => admin,
  path: "/users",
  validateSearch: usersSearch,
  component: lazyRouteComponent(() => import("@/pages/admin/users"), "Users"),
});
const auditLog = createRoute({
  getParentRoute: () => admin,
  path: "/audit-log",
  validateSearch: auditSearch,
  component: lazyRouteComponent(() => import("@/pages/admin/audit-log"), "AuditLog"),
});
const mailJobs = createRoute({
  getParentRoute: () => admin,
  path: "/mail-jobs",
  validateSearch: mailJobsSearch,
  component: lazyRouteComponent(() => import("@/pages/admin/mail-jobs"), "MailJobs"),
});

const routeTree = root.addChildren([
  home,
  entry.addChildren([
    login,
    register,
    forgotPassword,
    resetPassword,
    setPassword,
    verifyEmail,
    confirmEmail,
    undoEmailChange,
  ]),
  app.addChildren([
    dashboard,
    projects,
    project.addChildren([projectOverview, projectMembers, projectSettings]),
    invitations,
    settings.addChildren([profile, security, apiKeys]),
    admin.addChildren([users, auditLog, mailJobs]),
  ]),
]);

export const router = createRouter({
  routeTree,
  defaultPreload: "intent",
  defaultErrorComponent: PageError,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
