// SPDX-License-Identifier: Apache-2.0

package grescan

import "math/bits"

// index numbers keys from 0 in order of appearance. It is an array if the keys are dense
// enough, else a hash table with open addressing. It must be reset before its first use.
type index struct {
	n     int32
	dense []int32 // key → id+1; nil: hashed
	keys  []uint64
	ids   []int32 // slot → id+1
	shift uint
}

// reset empties the index and makes room for up to count keys below limit, reusing its memory.
func (x *index) reset(limit uint64, count int) {
	x.n = 0
	if limit <= uint64(4*count)+64 {
		x.dense = zeroed(x.dense, int(limit))
		return
	}
	size := bits.Len(uint(2*count)) + 1
	x.dense = nil
	x.ids = zeroed(x.ids, 1<<size)
	if cap(x.keys) < 1<<size {
		x.keys = make([]uint64, 1<<size)
	}
	x.keys = x.keys[:1<<size]
	x.shift = uint(64 - size)
}

// zeroed returns n zeros, in the memory of s if it suffices.
func zeroed(s []int32, n int) []int32 {
	if cap(s) < n {
		return make([]int32, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// id returns the number of a key, and assigns one if it is new.
func (x *index) id(key uint64) int32 {
	if x.dense != nil {
		if x.dense[key] == 0 {
			x.n++
			x.dense[key] = x.n
		}
		return x.dense[key] - 1
	}
	slot := x.slot(key)
	if x.ids[slot] == 0 {
		x.n++
		x.ids[slot], x.keys[slot] = x.n, key
	}
	return x.ids[slot] - 1
}

// find returns the number of a key; false if it has none.
func (x *index) find(key uint64) (int32, bool) {
	id := int32(0)
	if x.dense != nil {
		id = x.dense[key]
	} else {
		id = x.ids[x.slot(key)]
	}
	return id - 1, id != 0
}

// slot returns the slot of a key, or the one for it, by Fibonacci hashing.
func (x *index) slot(key uint64) int {
	mask := len(x.ids) - 1
	slot := int(key * 0x9e3779b97f4a7c15 >> x.shift)
	for x.ids[slot] != 0 && x.keys[slot] != key {
		slot = (slot + 1) & mask
	}
	return slot
}
