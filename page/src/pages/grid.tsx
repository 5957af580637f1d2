export function GridPage() {
  return <h1>Grid</h1>;
}
