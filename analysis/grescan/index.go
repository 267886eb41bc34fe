package grescan

import "math/bits"

// index numbers keys from 0 in the order in which they come. It is an array
// where the keys are dense enough for one, else a hash table with open
// addressing.
type index struct {
	n     int32
	dense []int32 // key → id+1
	keys  []uint64
	ids   []int32 // slot → id+1
	shift uint
}

// newIndex makes an index for keys below limit, of which up to count come.
func newIndex(limit uint64, count int) *index {
	if limit <= uint64(4*count)+1024 {
		return &index{dense: make([]int32, limit)}
	}
	size := bits.Len(uint(2 * count))
	return &index{
		keys:  make([]uint64, 1<<size),
		ids:   make([]int32, 1<<size),
		shift: uint(64 - size),
	}
}

// id returns the number of a key.
func (x *index) id(key uint64) int32 {
	if x.dense != nil {
		if x.dense[key] == 0 {
			x.n++
			x.dense[key] = x.n
		}
		return x.dense[key] - 1
	}
	mask := len(x.ids) - 1
	slot := int(key * 0x9e3779b97f4a7c15 >> x.shift) // Fibonacci hashing
	for x.ids[slot] != 0 && x.keys[slot] != key {
		slot = (slot + 1) & mask
	}
	if x.ids[slot] == 0 {
		x.n++
		x.ids[slot], x.keys[slot] = x.n, key
	}
	return x.ids[slot] - 1
}
