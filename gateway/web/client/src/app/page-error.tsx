import { useRouter, type ErrorComponentProps } from "@tanstack/react-router";
import { Failed } from "@/ui/states";

/** A page that could not be shown, with a way to try again. */
export function PageError({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  return (
    <main className="mx-auto max-w-md py-20">
      <Failed
        error={error}
        onRetry={() => {
          reset();
          void router.invalidate();
        }}
      />
    </main>
  );
}
