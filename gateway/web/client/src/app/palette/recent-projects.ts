export function useRecentProjects(): { id: string; name: string; slug: string }[] {
  return [];
}
