/* Keys: see keys.h. */
#include "export/keys.h"

#include "base/memory.h"

enum { SLOTS_FIRST = 1 << 12, SPARSE = 16 };

void export_keys_release(struct export_keys *keys)
{
    mem_free(keys->slots);
    keys->slots = NULL;
    keys->room = keys->used = 0;
}

void export_keys_reset(struct export_keys *keys)
{
    if (keys->room > SLOTS_FIRST && keys->used < keys->room / SPARSE)
        export_keys_release(keys);
    for (uint32_t i = 0; i < keys->room && keys->used > 0; i++)
        keys->slots[i].count = 0;
    keys->used = 0;
}

/* The key's slot, or the free one where it belongs. */
static struct export_key_slot *slot_of(const struct export_keys *keys, const struct export_key *key)
{
    uint32_t mask = keys->room - 1, at = (uint32_t) key->low & mask;
    struct export_key_slot *slot = &keys->slots[at];
    while (slot->count > 0 &&
           (slot->high != key->high || slot->low != key->low || slot->value != key->value)) {
        at = (at + 1) & mask;
        slot = &keys->slots[at];
    }
    return slot;
}

static bool grow(struct export_keys *keys, struct error *err)
{
    struct export_keys larger = {.room = keys->room > 0 ? keys->room * 2 : SLOTS_FIRST};
    larger.slots = mem_alloc(larger.room, sizeof *larger.slots, err);
    if (!larger.slots)
        return false;
    for (uint32_t i = 0; i < keys->room; i++) {
        const struct export_key_slot *slot = &keys->slots[i];
        struct export_key key = {slot->high, slot->low, slot->value};
        if (slot->count > 0)
            *slot_of(&larger, &key) = *slot;
    }
    mem_free(keys->slots);
    keys->slots = larger.slots;
    keys->room = larger.room;
    return true;
}

bool export_keys_add(struct export_keys *keys, const struct export_key *key, uint32_t *count,
                     struct error *err)
{
    uint32_t max = keys->max > 0 && keys->max < EXPORT_KEYS_MAX ? keys->max : EXPORT_KEYS_MAX;
    *count = 0;
    if (keys->used >= keys->room / 4 * 3 && keys->room < EXPORT_KEYS_SLOTS && !grow(keys, err))
        return false;
    struct export_key_slot *slot = slot_of(keys, key);
    if (slot->count == 0 && keys->used == max)
        return true;
    if (slot->count == 0) {
        *slot = (struct export_key_slot){.high = key->high, .low = key->low, .value = key->value};
        keys->used++;
    }
    if (slot->count < UINT32_MAX)
        slot->count++;
    *count = slot->count;
    return true;
}

bool export_keys_take(struct export_keys *keys, const struct export_key *key)
{
    struct export_key_slot *slot = keys->room > 0 ? slot_of(keys, key) : NULL;
    if (!slot || slot->count == 0)
        return false;
    if (!key->value) {
        slot->taken = 1;
        return true;
    }
    if (slot->taken == slot->count)
        return false;
    slot->taken++;
    return true;
}
