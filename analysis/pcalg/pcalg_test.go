package pcalg

import "fmt"

func caseName(r, n float64, k int) string { return fmt.Sprintf("r=%v,n=%v,k=%d", r, n, k) }
