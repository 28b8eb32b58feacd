CREATE DATABASE portico_users;
CREATE DATABASE portico_auth;
CREATE DATABASE portico_projects;
CREATE DATABASE portico_notifications;
