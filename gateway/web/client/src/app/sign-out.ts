import { useAuth } from "@portico/sdk/react";
import { toast } from "sonner";
import { messageOf } from "@/lib/messages";

/** Signs this browser out, and says so if that failed. `leave` then leads away. */
export function useSignOut(): () => void {
  const auth = useAuth();
  const signOut = async () => {
    try {
      await auth.logout();
    } catch (error) {
      toast.error(messageOf(error));
    }
  };
  return () => void signOut();
}
