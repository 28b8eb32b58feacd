/** The mark and the name. */
export function Logo() {
  return (
    <span className="inline-flex items-center gap-2.5 text-base font-semibold tracking-tight">
      <img src="/icon.svg" alt="" width={24} height={24} />
      Portico
    </span>
  );
}
