/* bind IN OUT: a copy of a shared object in which the names that it defines itself are bound.
 *
 * libduckdb is made of C++ whose every function may be replaced from outside, so the dynamic linker looks some 36,000
 * names up in it when it is loaded, and each function once more when it is first called. Nothing replaces any: the
 * engine is loaded with RTLD_DEEPBIND, so each of these names leads back into the library. Here that is found out once, when weir
 * is built. What is changed, by the ABI of x86-64 (the psABI's table of relocations):
 *
 *   R_X86_64_64, R_X86_64_GLOB_DAT   of a name defined here: become R_X86_64_RELATIVE, with the address as addend
 *   R_X86_64_JUMP_SLOT               stays, but its slot holds the function's address in place of that of the code
 *                                    that looks it up: lazy binding adds where the library lies, and is done
 *   DT_RELACOUNT                     tells the relative ones, which stand in front, by their places
 *
 * Left alone is what may have to be one thing in the whole program or is no plain address: names not defined here, unique
 * ones (STB_GNU_UNIQUE), those of threads (TLS), functions chosen at run time (IFUNC), absolute ones. A file that is not
 * what is expected is copied as it is, and a line says so: it works as well, slower to load.
 */
#include "base/file.h"
#include "base/memory.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 30, SEGMENTS_MAX = 64, DYNAMIC_MAX = 256 };

struct object {
    unsigned char *bytes;
    size_t n;
    const Elf64_Phdr *segments;
    size_t segment_count;
    Elf64_Dyn *dynamic;
    size_t dynamic_count;
    const Elf64_Sym *symbols;
    size_t symbol_count; /* at most: that fit in the file */
    size_t bound;
};

/* What stands at an address, `size` bytes of it; NULL when that is in no part of the file. */
static void *at(const struct object *object, uint64_t address, uint64_t size)
{
    for (size_t i = 0; i < object->segment_count; i++) {
        const Elf64_Phdr *segment = &object->segments[i];
        if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
            address - segment->p_vaddr <= segment->p_filesz &&
            size <= segment->p_filesz - (address - segment->p_vaddr))
            return object->bytes + segment->p_offset + (address - segment->p_vaddr);
    }
    return NULL;
}

static Elf64_Dyn *entry_of(const struct object *object, int64_t tag)
{
    for (size_t i = 0; i < object->dynamic_count; i++)
        if (object->dynamic[i].d_tag == tag)
            return &object->dynamic[i];
    return NULL;
}

static uint64_t value_of(const struct object *object, int64_t tag)
{
    const Elf64_Dyn *entry = entry_of(object, tag);
    return entry ? entry->d_un.d_val : 0;
}

/* The table of relocations that two entries tell, 24 bytes each. */
static Elf64_Rela *table(const struct object *object, int64_t where, int64_t size, size_t *n)
{
    *n = value_of(object, size) / sizeof(Elf64_Rela);
    return at(object, value_of(object, where), *n * sizeof(Elf64_Rela));
}

/* --- what is expected --------------------------------------------------------------------------------------- */

static bool has_segments(struct object *object)
{
    const Elf64_Ehdr *header = (const void *) object->bytes;
    static const unsigned char ident[] = {ELFMAG0,    ELFMAG1,     ELFMAG2,   ELFMAG3,
                                          ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
    if (object->n < sizeof *header || memcmp(header->e_ident, ident, sizeof ident) != 0 ||
        header->e_type != ET_DYN || header->e_machine != EM_X86_64 ||
        header->e_phentsize != sizeof(Elf64_Phdr) || header->e_phnum > SEGMENTS_MAX ||
        header->e_phoff > object->n || header->e_phoff % 8 != 0 ||
        header->e_phnum * sizeof(Elf64_Phdr) > object->n - header->e_phoff)
        return false;
    object->segments = (const void *) (object->bytes + header->e_phoff);
    object->segment_count = header->e_phnum;
    for (size_t i = 0; i < object->segment_count; i++) {
        const Elf64_Phdr *segment = &object->segments[i];
        if (segment->p_offset > object->n || segment->p_filesz > object->n - segment->p_offset ||
            segment->p_offset % 8 != segment->p_vaddr % 8)
            return false;
        if (segment->p_type == PT_DYNAMIC) {
            object->dynamic = (void *) (object->bytes + segment->p_offset);
            object->dynamic_count = segment->p_filesz / sizeof(Elf64_Dyn);
        }
    }
    return object->dynamic && object->dynamic_count <= DYNAMIC_MAX &&
           (uintptr_t) object->dynamic % 8 == 0;
}

/* The symbols end where their names begin: so linkers lay them down, and a file in which they do not is left as it is. */
static bool has_symbols(struct object *object)
{
    uint64_t from = value_of(object, DT_SYMTAB), to = value_of(object, DT_STRTAB);
    if (value_of(object, DT_SYMENT) != sizeof(Elf64_Sym) || from == 0 || from % 8 != 0 || to < from)
        return false;
    object->symbol_count = (to - from) / sizeof(Elf64_Sym);
    object->symbols = at(object, from, object->symbol_count * sizeof(Elf64_Sym));
    return object->symbols != NULL;
}

/* The second word of the slots would tell of a binding by prelink(8). */
static bool has_relocations(const struct object *object)
{
    size_t n;
    const uint64_t *slots = at(object, value_of(object, DT_PLTGOT), 3 * sizeof *slots);
    return value_of(object, DT_RELAENT) == sizeof(Elf64_Rela) &&
           value_of(object, DT_RELA) % 8 == 0 && value_of(object, DT_JMPREL) % 8 == 0 &&
           value_of(object, DT_PLTGOT) % 8 == 0 && value_of(object, DT_PLTREL) == DT_RELA &&
           entry_of(object, DT_RELACOUNT) && !entry_of(object, DT_TEXTREL) && slots &&
           slots[1] == 0 && table(object, DT_RELA, DT_RELASZ, &n) &&
           table(object, DT_JMPREL, DT_PLTRELSZ, &n);
}

/* --- binding -------------------------------------------------------------------------------------------------- */

/* The address that a relocation's name has here; false when it is not for us to say. */
static bool address_of(const struct object *object, const Elf64_Rela *relocation, uint64_t *out)
{
    size_t number = ELF64_R_SYM(relocation->r_info);
    if (number == 0 || number >= object->symbol_count)
        return false;
    const Elf64_Sym *symbol = &object->symbols[number];
    unsigned binding = ELF64_ST_BIND(symbol->st_info), type = ELF64_ST_TYPE(symbol->st_info);
    *out = symbol->st_value;
    return symbol->st_shndx != SHN_UNDEF && symbol->st_shndx < SHN_LORESERVE &&
           (binding == STB_GLOBAL || binding == STB_WEAK) &&
           (type == STT_FUNC || type == STT_OBJECT || type == STT_NOTYPE);
}

static void bind_data(struct object *object)
{
    size_t n;
    Elf64_Rela *list = table(object, DT_RELA, DT_RELASZ, &n);
    for (size_t i = 0; i < n; i++) {
        uint64_t type = ELF64_R_TYPE(list[i].r_info), address;
        if ((type != R_X86_64_64 && type != R_X86_64_GLOB_DAT) ||
            !address_of(object, &list[i], &address))
            continue;
        int64_t beside = type == R_X86_64_64 ? list[i].r_addend : 0;
        list[i].r_info = ELF64_R_INFO(0, R_X86_64_RELATIVE);
        list[i].r_addend = (int64_t) (address + (uint64_t) beside);
        object->bound++;
    }
}

static int compare(const void *a, const void *b)
{
    const Elf64_Rela *x = a, *y = b;
    return (x->r_offset > y->r_offset) - (x->r_offset < y->r_offset);
}

/* The relative ones in front, by place; the others behind, as they stood. */
static bool sort(struct object *object, struct error *err)
{
    size_t n, kept = 0, relative = 0;
    Elf64_Rela *list = table(object, DT_RELA, DT_RELASZ, &n);
    Elf64_Rela *others = mem_alloc(n, sizeof *others, err);
    if (!others)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (ELF64_R_TYPE(list[i].r_info) == R_X86_64_RELATIVE)
            list[relative++] = list[i];
        else
            others[kept++] = list[i];
    }
    qsort(list, relative, sizeof *list, compare);
    memcpy(list + relative, others, kept * sizeof *others);
    entry_of(object, DT_RELACOUNT)->d_un.d_val = relative;
    mem_free(others);
    return true;
}

static void bind_calls(struct object *object)
{
    size_t n;
    const Elf64_Rela *list = table(object, DT_JMPREL, DT_PLTRELSZ, &n);
    for (size_t i = 0; i < n; i++) {
        uint64_t address;
        uint64_t *slot = at(object, list[i].r_offset, sizeof *slot);
        if (ELF64_R_TYPE(list[i].r_info) != R_X86_64_JUMP_SLOT || !slot ||
            list[i].r_offset % 8 != 0 || !address_of(object, &list[i], &address))
            continue;
        object->bound += *slot != address;
        *slot = address;
    }
}

static bool convert(const char *from, const char *to, struct error *err)
{
    struct buf file = BUF_INIT(FILE_MAX);
    if (!file_read(from, FILE_MAX, &file, err)) {
        buf_release(&file);
        return false;
    }
    struct object object = {.bytes = (unsigned char *) file.bytes, .n = file.used};
    bool ok = true;
    if (has_segments(&object) && has_symbols(&object) && has_relocations(&object)) {
        bind_data(&object);
        bind_calls(&object);
        ok = sort(&object, err);
        (void) printf("%s: %zu of its own names bound\n", to, object.bound);
    } else {
        (void) printf("%s: copied as it is, since it is not of the form that is known\n", to);
    }
    ok = ok && file_write(to, buf_str(&file), 0755, false, err);
    buf_release(&file);
    return ok;
}

int main(int argc, char **argv)
{
    struct error err = ERROR_INIT;
    if (argc == 3 && convert(argv[1], argv[2], &err))
        return 0;
    (void) fprintf(stderr, "bind: %s\n", argc == 3 ? err.message : "usage: bind IN OUT");
    return 1;
}
