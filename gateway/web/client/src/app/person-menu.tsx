import { useAuth } from "@portico/sdk/react";
import { useNavigate } from "@tanstack/react-router";
import { ChevronsUpDown, Keyboard, LogOut, Settings } from "lucide-react";
import { useTheme, type Theme } from "@/lib/theme";
import { Avatar } from "@/ui/avatar";
import { Menu, MenuChoice, MenuItem, MenuLabel, MenuSeparator } from "@/ui/menu";
import { useCommands } from "./palette/commands";
import { useSignOut } from "./sign-out";

const themes: Record<Theme, string> = { system: "As the system", light: "Light", dark: "Dark" };

/** Who is signed in, and what concerns this person and this device. */
export function PersonMenu({ compact = false }: { compact?: boolean | undefined }) {
  const { user } = useAuth();
  const signOut = useSignOut();
  const { openHelp } = useCommands();
  const navigate = useNavigate();
  const [theme, chooseTheme] = useTheme();
  if (user === null) {
    return null;
  }
  return (
    <Menu
      align={compact ? "end" : "start"}
      trigger={
        compact ? (
          <button
            type="button"
            aria-label="Account"
            className="flex size-10 items-center justify-center rounded-full"
          >
            <Avatar name={user.name} src={user.avatar} />
          </button>
        ) : (
          <button
            type="button"
            aria-label="Account"
            className="flex w-full items-center gap-2.5 rounded-md p-2 text-left hover:bg-hover"
          >
            <Avatar name={user.name} src={user.avatar} />
            <span className="min-w-0 flex-1">
              <span className="block truncate font-medium">{user.name}</span>
              <span className="block truncate text-xs text-muted">{user.email}</span>
            </span>
            <ChevronsUpDown aria-hidden className="size-4 shrink-0 text-muted" />
          </button>
        )
      }
    >
      <MenuItem onSelect={() => void navigate({ to: "/settings" })}>
        <Settings aria-hidden /> Settings
      </MenuItem>
      {!compact && (
        <MenuItem onSelect={openHelp}>
          <Keyboard aria-hidden /> Keyboard shortcuts
        </MenuItem>
      )}
      <MenuSeparator />
      <MenuLabel>Theme</MenuLabel>
      {(["system", "light", "dark"] as const).map((choice) => (
        <MenuChoice
          key={choice}
          chosen={theme === choice}
          onSelect={() => {
            chooseTheme(choice);
          }}
        >
          {themes[choice]}
        </MenuChoice>
      ))}
      <MenuSeparator />
      <MenuItem onSelect={signOut}>
        <LogOut aria-hidden /> Sign out
      </MenuItem>
    </Menu>
  );
}
