import { Link, type LinkProps } from "@tanstack/react-router";
import { LoaderCircle } from "lucide-react";
import type { ComponentProps, ReactNode } from "react";
import { cx } from "@/lib/cx";

type Variant = "primary" | "secondary" | "ghost" | "danger";
type Size = "md" | "sm" | "icon";

const variants: Record<Variant, string> = {
  primary: "bg-accent text-accent-ink hover:bg-accent-hover",
  secondary: "border border-line-strong bg-surface text-ink hover:bg-hover",
  ghost: "text-ink hover:bg-hover",
  danger: "bg-danger text-danger-ink hover:bg-danger-hover",
};

const sizes: Record<Size, string> = {
  md: "h-9 px-3.5 pointer-coarse:h-10",
  sm: "h-8 px-2.5 text-[13px] pointer-coarse:h-10",
  icon: "size-9 pointer-coarse:size-10",
};

/** The look of a button, for what is none by its nature. */
export function buttonClasses(variant: Variant = "secondary", size: Size = "md"): string {
  return cx(
    "relative inline-flex shrink-0 items-center justify-center gap-2 rounded-md font-medium whitespace-nowrap transition-colors select-none",
    "disabled:pointer-events-none disabled:opacity-50 aria-disabled:opacity-60 [&_svg]:size-4 [&_svg]:shrink-0",
    variants[variant],
    sizes[size],
  );
}

interface ButtonProps extends ComponentProps<"button"> {
  variant?: Variant | undefined;
  size?: Size | undefined;
  /** Something is on its way: the button keeps its size and the focus, and does nothing. */
  pending?: boolean | undefined;
}

export function Button({
  variant,
  size,
  pending = false,
  className,
  onClick,
  children,
  type = "button",
  ...rest
}: ButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      className={cx(buttonClasses(variant, size), className)}
      aria-busy={pending || undefined}
      aria-disabled={pending || undefined}
      onClick={(event) => {
        if (pending) {
          event.preventDefault();
        } else {
          onClick?.(event);
        }
      }}
    >
      {pending && <LoaderCircle aria-hidden className="absolute animate-spin" />}
      <span className={cx("inline-flex items-center gap-2", pending && "opacity-0")}>{children}</span>
    </button>
  );
}

/** A button that shows an icon alone, and says `label` to those who cannot see it. */
export function IconButton({ label, ...rest }: Omit<ButtonProps, "aria-label"> & { label: string }) {
  return <Button variant="ghost" size="icon" {...rest} aria-label={label} title={label} />;
}

type ButtonLinkProps = LinkProps & {
  variant?: Variant | undefined;
  size?: Size | undefined;
  className?: string | undefined;
  children: ReactNode;
};

/** A link that looks like a button. */
export function ButtonLink({ variant, size, className, ...rest }: ButtonLinkProps) {
  return <Link {...rest} className={cx(buttonClasses(variant, size), className)} />;
}
