import { useLocation, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";

function tokenOf(hash: string): string | null {
  return new URLSearchParams(hash).get("token");
}

/**
 * The token of the link that was followed, from the fragment of the address, which a browser sends to nobody.
 * It is taken out of the address bar, where nobody who looks on should see it. `null` for an incomplete link.
 */
export function useLinkToken(): string | null {
  const hash = useLocation({ select: (location) => location.hash });
  const navigate = useNavigate();
  const fresh = tokenOf(hash);
  const [token, setToken] = useState(fresh);
  // Another link may be opened in the same tab.
  if (fresh !== null && fresh !== token) {
    setToken(fresh);
  }
  useEffect(() => {
    if (fresh !== null) {
      void navigate({ to: ".", hash: "", replace: true });
    }
  }, [fresh, navigate]);
  return token;
}
