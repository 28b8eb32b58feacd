const isApple = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** Keys to press, as they stand on the keyboard. `mod` is ⌘ on Apple's, Ctrl on others. */
export function Keys({ keys }: { keys: readonly string[] }) {
  return (
    <span className="inline-flex items-center gap-1">
      {keys.map((key) => (
        <kbd
          key={key}
          className="inline-flex h-5 min-w-5 items-center justify-center rounded border border-line bg-canvas px-1 font-sans text-[11px] text-muted"
        >
          {key === "mod" ? (isApple ? "⌘" : "Ctrl") : key.toUpperCase()}
        </kbd>
      ))}
    </span>
  );
}
